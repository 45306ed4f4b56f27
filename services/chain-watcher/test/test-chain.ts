import type { AssetCode } from '@daybook/money';
import type { FinalityRule } from '../src/domain/confirmation';
import type { ChainSource } from '../src/ports';

/** What a chain may be paid with that is not simply a transfer. Each is mined when it resolves. */
export type Payments = {
  /** One transaction with a transfer for each entry. */
  several(
    payments: readonly { readonly to: string; readonly amount: bigint }[],
  ): Promise<{ readonly transactionId: string }>;
  token(to: string, amount: bigint): Promise<void>;
  /** A transaction that names the payment, is in a block, and failed. */
  failed(to: string, amount: bigint): Promise<void>;
  /** A token that looks like the pinned one: same name, same decimals, another contract. */
  lookAlike(to: string, amount: bigint): Promise<void>;
  nothing(to: string): Promise<void>;
  /** Publishes a payment, then one to `instead` that can only be mined in its place, and mines. */
  replaced(to: string, instead: string, amount: bigint): Promise<void>;
  /** A token that keeps a part: `amount` is sent; resolves with what arrived. */
  withFee(to: string, amount: bigint): Promise<bigint>;
  /** A new address that the test has the key of. */
  spender(): Promise<Spender>;
};
export type PaymentKind = keyof Payments;

/** Spends what it was paid, and pays no fee out of it where that would be another deposit. */
export type Spender = {
  readonly address: string;
  send(to: string, amount: bigint): Promise<{ readonly transactionId: string }>;
  /** Of `payments.token`. */
  sendToken?(to: string, amount: bigint): Promise<{ readonly transactionId: string }>;
};

/** A chain that a test pays on, mines and reorganises. */
export type TestChain = {
  readonly name: string;
  readonly asset: AssetCode;
  /** Asset of `payments.token`. */
  readonly token?: AssetCode;
  /** How the watcher is to judge finality, if `confirmations` blocks make it. */
  rule(confirmations: number): FinalityRule;
  /** A new connection to the chain. */
  connect(): ChainSource;
  /** The same, to a node behind another address. Chains without a wire have none. */
  readonly wire?: { readonly url: string; connect(url: string): ChainSource };
  newAddress(): Promise<string>;
  /** Puts a transfer into the next block and mines it. */
  pay(to: string, amount: bigint): Promise<{ readonly transactionId: string }>;
  readonly payments: Partial<Payments>;
  mine(blocks: number): Promise<void>;
  /** Replaces the newest `depth` blocks by at least as many others. */
  reorganise(depth: number, transfers: 'reinclude' | 'drop'): Promise<void>;
  stop(): Promise<void>;
};

export const byDepth = (confirmations: number): FinalityRule => ({ kind: 'depth', confirmations });
