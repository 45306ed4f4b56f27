export {
  amountProblems,
  describeAmountProblem,
  formatAmount,
  parseAmount,
  unitsMax,
  type AmountProblem,
  type ParsedAmount,
} from './amount';
export { assetCodes, assets, type Asset, type AssetCode } from './asset';
