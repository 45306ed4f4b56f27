export { signerClient } from './client';
export {
  refusals,
  type Refusal,
  type SignAnswer,
  type Signer,
  type SignOutcome,
  type SignRequest,
  type WalletAnswer,
  type WalletRequest,
} from './protocol';
export {
  families,
  maxFeeOf,
  type BitcoinTransaction,
  type EvmTransaction,
  type Family,
  type FamilyTransaction,
  type SolanaTransaction,
  type TronTransaction,
} from './transactions';
