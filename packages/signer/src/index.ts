import { join } from 'node:path';

export { signerClient } from './client';
export { configSchema, loadConfig, type Config } from './config';
export {
  refusals,
  requestDigest,
  signRequest,
  type Refusal,
  type SignedPage,
  type Signer,
  type SignRequest,
} from './protocol';
export { evmTransaction, maxFeeOf, type EvmTransaction, type Family } from './transactions';
export { createService } from './service';

/** The program of the signer. As a child of another it sends `{ url }` once it listens, and ends when that does. */
export const signerProgram = join(__dirname, 'main.js');
