export { DeploymentError, deploySettlement, hasSettlement } from './deployment';
export {
  decodeSettle,
  encodeSettle,
  settledEventOf,
  settlementAbi,
  settlementAddress,
  settlementBytecode,
  settlementIdOf,
  type Settled,
} from './settlement';
