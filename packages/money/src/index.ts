export {
  amountProblems,
  describeAmountProblem,
  formatAmount,
  parseAmount,
  type AmountProblem,
  type ParsedAmount,
} from './amount';
export { assetCodes, assets, type Asset, type AssetCode } from './asset';
