export { describeAmountProblem, formatAmount, parseAmount, unitsMax } from './amount';
export { assetCodes, assets, type Asset, type AssetCode } from './asset';
