import { join } from 'node:path';

export { signerClient } from './client';
export { configSchema, loadConfig, type Config } from './config';
export {
  refusals,
  requestDigest,
  signRequest,
  type Refusal,
  type SignAnswer,
  type SignedPage,
  type Signer,
  type SignOutcome,
  type SignRequest,
  type WalletAnswer,
  type WalletRequest,
} from './protocol';
export {
  bitcoinTransaction,
  evmTransaction,
  families,
  maxFeeOf,
  solanaTransaction,
  tronTransaction,
  type BitcoinTransaction,
  type EvmTransaction,
  type Family,
  type FamilyTransaction,
  type SolanaTransaction,
  type TronTransaction,
} from './transactions';
export { createService } from './service';

/** The program of the signer. As a child of another it sends `{ url }` once it listens, and ends when that does. */
export const signerProgram = join(__dirname, 'main.js');
