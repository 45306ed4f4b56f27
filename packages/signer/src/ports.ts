/** What the signing of a request needs from outside its rules. */
import type { SendSigned, Terms } from './domain/signing';
import type { Refusal, SignAnswer, WalletAnswer } from './protocol';
import type { FamilyTransaction } from './transactions';

/** A transaction as the rules see it, but for the names that the request has. */
export type Reading = Omit<Terms, 'sendId' | 'digest' | 'feeAsset' | 'fee'>;
export type ReadingOutcome =
  | { readonly ok: true; readonly reading: Reading }
  | { readonly ok: false; readonly refusal: Extract<Refusal, `${string}_invalid` | `${string}_allowed`> };

/** Port: the keys of one chain family and how its transactions are built. */
export type FamilyKeys<Transaction extends FamilyTransaction['transaction']> = {
  walletOf(index: number): Promise<WalletAnswer>;
  /** Checks every field that only the chain's own rules can judge. Nothing is signed. */
  read(index: number, transaction: Transaction): Promise<ReadingOutcome>;
  /**
   * Builds, signs, and reads the signed bytes again: whatever they say that the request does not is an AssertionError. For
   * a transaction that `read` accepted.
   */
  sign(index: number, transaction: Transaction): Promise<SignAnswer>;
};

/** Port: every signature that was given, for ever. */
export type Journal = {
  /** Resolves when the record cannot be lost any more. After a rejection nothing is known, and nothing may be signed. */
  append(record: SendSigned): Promise<void>;
  close(): Promise<void>;
};
