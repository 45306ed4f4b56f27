import type { AssetCode } from '@daybook/money';
import type { ChainSource } from '../src/ports';

/** A chain that a test pays on, mines and reorganises. */
export type TestChain = {
  readonly name: string;
  readonly asset: AssetCode;
  /** A new connection to the chain. */
  connect(): ChainSource;
  newAddress(): Promise<string>;
  /** Puts a transfer into the next block and mines it. */
  pay(to: string, amount: bigint): Promise<{ readonly transactionId: string }>;
  mine(blocks: number): Promise<void>;
  /** Replaces the newest `depth` blocks by at least as many others. */
  reorganise(depth: number, transfers: 'reinclude' | 'drop'): Promise<void>;
  stop(): Promise<void>;
};
