export { DeploymentError, deploySettlement, hasSettlement } from './deployment';
export {
  encodeSettle,
  settledEventOf,
  settlementAbi,
  settlementAddress,
  settlementBytecode,
  settlementIdOf,
  type Settled,
} from './settlement';
