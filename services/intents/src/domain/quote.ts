/**
 * Quote: what an amount of one asset is in another, by a rate that is recorded with it. It may be used as often as one likes
 * until it expires; it never changes.
 *
 *   none ──issue──▶ issued
 *
 * Invariants (each has a property test of the same name):
 *   Q1  A quote is issued once; the same request again is answered with it, other content is refused.
 */
import type { Mode } from '@daybook/contracts';
import { accept, assert, reject, type Decider, type Decision } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import type { GoodRate } from './rate';

export type Quote = {
  readonly quoteId: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly from: AssetCode;
  readonly to: AssetCode;
  readonly amount: bigint;
  /** By the rate, rounded down. */
  readonly toAmount: bigint;
  readonly rate: GoodRate['rate'];
  readonly sources: readonly string[];
  /** When the oldest of the sources said so. */
  readonly observedAt: string;
  readonly createdAt: string;
  /** The first instant at which it does not hold any more. */
  readonly expiresAt: string;
};

export type QuoteCommand = { readonly type: 'IssueQuote'; readonly quote: Quote };
export type QuoteEvent = { readonly type: 'QuoteIssued'; readonly quote: Quote };
export type QuoteRejection = 'idempotency_key_reused';
export type QuoteState = Quote | null;

export const quoteDecider: Decider<QuoteState, QuoteCommand, QuoteEvent, QuoteRejection> = {
  initial: null,
  decide({ quote }, state): Decision<QuoteEvent, QuoteRejection> {
    if (state === null) return accept({ type: 'QuoteIssued', quote });
    return isSameRequest(quote, state) ? accept() : reject('idempotency_key_reused');
  },
  evolve(state, { quote }) {
    assert(state === null, 'a quote is issued twice');
    return quote;
  },
};

export function isSameRequest(
  a: Pick<Quote, 'from' | 'to' | 'amount'>,
  b: Pick<Quote, 'from' | 'to' | 'amount'>,
): boolean {
  return a.from === b.from && a.to === b.to && a.amount === b.amount;
}
