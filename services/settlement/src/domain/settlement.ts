/**
 * Settlement: the workflow that moves a paid intent's amount to the merchant. Its inputs are other services' facts; its
 * outputs (SettlementInstructed, SettlementCompleted) are recorded in its own stream and published from there.
 *
 *   none ──intent paid──▶ instructed ──posted──▶ completed
 *     └──────posted──────▶ posted ──intent paid─────▲
 *
 * The ledger posts because it was instructed, but the two facts come by different topics, and after a restore the
 * journal may know more than this service does. So the posting may be the first that is heard.
 *
 * Invariants (each has a property test of the same name):
 *   S1  A settlement is instructed at most once, and for what the intent was paid.
 *   S2  It completes at most once, with the ledger's reference, and as soon as both facts are known, in either order.
 *   S3  Repeating an input at once records nothing.
 *   S4  An input that changes nothing names the reason.
 */
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';
import type { Mode } from '@daybook/contracts';
import type { AssetCode } from '@daybook/money';

export type SettlementTerms = {
  readonly settlementId: string;
  readonly intentId: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly asset: AssetCode;
  readonly amount: bigint;
};

export type SettlementInput =
  | { readonly type: 'IntentPaid'; readonly terms: SettlementTerms; readonly at: string }
  | {
      readonly type: 'TransactionPosted';
      readonly settlementId: string;
      readonly ledgerReference: string;
      readonly at: string;
    };

export type SettlementEvent =
  | { readonly type: 'SettlementStarted'; readonly terms: SettlementTerms; readonly at: string }
  /** Output: the ledger is to move the amount. */
  | { readonly type: 'SettlementInstructed'; readonly terms: SettlementTerms; readonly at: string }
  | {
      readonly type: 'SettlementPosted';
      readonly settlementId: string;
      readonly ledgerReference: string;
      readonly at: string;
    }
  /** Output: the amount is in the merchant's balance. */
  | {
      readonly type: 'SettlementCompleted';
      readonly terms: SettlementTerms;
      readonly ledgerReference: string;
      readonly at: string;
    };

/** In descending precedence: when several apply, the first listed is returned. */
const ignoredReasons = [
  'started_with_other_terms',
  'already_started',
  'posted_with_other_reference',
  'already_posted',
] as const;
export type IgnoredReason = (typeof ignoredReasons)[number];

export type SettlementState = {
  readonly terms: SettlementTerms | null;
  readonly instructed: boolean;
  readonly ledgerReference: string | null;
  readonly completed: boolean;
};

export const settlement: Decider<SettlementState, SettlementInput, SettlementEvent, IgnoredReason> = {
  initial: { terms: null, instructed: false, ledgerReference: null, completed: false },
  decide,
  evolve,
};

function decide(input: SettlementInput, state: SettlementState): Decision<SettlementEvent, IgnoredReason> {
  const { at } = input;
  switch (input.type) {
    case 'IntentPaid': {
      const { terms } = input;
      if (state.terms !== null)
        return reject(sameTerms(terms, state.terms) ? 'already_started' : 'started_with_other_terms');
      const started: SettlementEvent[] = [
        { type: 'SettlementStarted', terms, at },
        { type: 'SettlementInstructed', terms, at },
      ];
      const { ledgerReference } = state;
      if (ledgerReference === null) return accept(...started);
      return accept(...started, { type: 'SettlementCompleted', terms, ledgerReference, at });
    }
    case 'TransactionPosted': {
      const { settlementId, ledgerReference } = input;
      if (state.ledgerReference !== null)
        return reject(ledgerReference === state.ledgerReference ? 'already_posted' : 'posted_with_other_reference');
      const posted: SettlementEvent = { type: 'SettlementPosted', settlementId, ledgerReference, at };
      if (state.terms === null) return accept(posted);
      return accept<SettlementEvent>(posted, { type: 'SettlementCompleted', terms: state.terms, ledgerReference, at });
    }
    default:
      return assertNever(input);
  }
}

/** Total over histories that `decide` can produce; any other means a corrupt store. */
function evolve(state: SettlementState, event: SettlementEvent): SettlementState {
  switch (event.type) {
    case 'SettlementStarted':
      assert(state.terms === null, 'started twice');
      return { ...state, terms: event.terms };
    case 'SettlementInstructed':
      assert(state.terms !== null && !state.instructed, 'instructed before the start or twice');
      return { ...state, instructed: true };
    case 'SettlementPosted':
      assert(state.ledgerReference === null, 'posted twice');
      return { ...state, ledgerReference: event.ledgerReference };
    case 'SettlementCompleted':
      assert(state.instructed && !state.completed, 'completed before the instruction or twice');
      assert(state.ledgerReference === event.ledgerReference, 'completed without its posting');
      return { ...state, completed: true };
    default:
      return assertNever(event);
  }
}

function sameTerms(a: SettlementTerms, b: SettlementTerms): boolean {
  return (
    a.settlementId === b.settlementId &&
    a.intentId === b.intentId &&
    a.tenantId === b.tenantId &&
    a.mode === b.mode &&
    a.asset === b.asset &&
    a.amount === b.amount
  );
}
