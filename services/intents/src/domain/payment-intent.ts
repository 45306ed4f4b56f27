/**
 * Payment intent: a request for an amount of one asset at one address, and the attribution of every deposit there.
 *
 *   none ──create──▶ pending ◀─seen / reverted─▶ confirming ──booked──▶ paid ──settle──▶ settled
 *                       │                         ▲      │
 *                       │                        seen  booked
 *                       │                         │      ▼
 *                       │                      partially_paid
 *                     expire                        expire
 *                       ▼                              ▼
 *                    expired                       underpaid
 *
 * `confirming` means that a deposit is in flight: seen in time and not final, or applied and not in the journal yet.
 * Time ends an intent only when nothing is in flight. Deposits are facts and are never refused.
 *
 * Invariants (each has a property test of the same name):
 *   P1  Every final deposit is split exactly: applied + refundable = amount, and no more than the intent's amount is applied.
 *   P2  At most one of paid, expired and underpaid ever happens; settled only follows paid; only edges of the diagram are taken.
 *   P3  Paid means that exactly the amount is applied and all of it is booked, and it is recorded as soon as that is so.
 *   P4  A deposit in flight holds back expiry.
 *   P5  Repeating an accepted command at once is accepted again and records nothing.
 *   P6  The totals of deposits in time do not depend on the order in which their facts arrive, nor on repeats.
 *   P7  A deposit that is seen and reverted leaves status, amounts and exceptions as they were.
 *   P8  An event carries the full state exactly when it changed status, amounts or exceptions.
 */
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';
import type { intentCurrencies, intentExceptions, intentStatuses, Mode } from '@daybook/contracts';
import type { AssetCode } from '@daybook/money';
import { emptyMap, mapValues, valueAt, valuesOf, withValue, type LayeredMap } from './layered-map';

export type IntentStatus = (typeof intentStatuses)[number];
export type IntentException = (typeof intentExceptions)[number];
export type IntentCurrency = (typeof intentCurrencies)[number];

type Terms = {
  readonly intentId: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly orderId: string;
  readonly currency: IntentCurrency;
  readonly asset: AssetCode;
  readonly amount: bigint;
  readonly paymentAddress: string;
  readonly createdAt: string;
  /** The first instant at which a deposit is late. */
  readonly expiresAt: string;
};

/** What the watcher says of a deposit. `at` is when it recorded that. */
export type DepositFact = {
  readonly depositId: string;
  readonly chain: string;
  readonly transactionId: string;
  readonly asset: AssetCode;
  readonly amount: bigint;
  readonly at: string;
};

export type IntentCommand =
  | ({ readonly type: 'CreateIntent' } & Terms)
  | { readonly type: 'RecordDepositSeen'; readonly deposit: DepositFact; readonly at: string }
  | { readonly type: 'RecordDepositReverted'; readonly deposit: DepositFact; readonly at: string }
  | { readonly type: 'RecordDepositConfirmed'; readonly deposit: DepositFact; readonly at: string }
  | { readonly type: 'RecordDepositBooked'; readonly depositId: string; readonly at: string }
  | { readonly type: 'ExpireIntent'; readonly at: string }
  | {
      readonly type: 'RecordSettled';
      readonly settlementId: string;
      readonly ledgerReference: string;
      readonly at: string;
    };

/** The full state as its owner may see it. */
export type IntentSummary = Terms & {
  readonly amountReceived: bigint;
  readonly amountApplied: bigint;
  readonly amountRefundable: bigint;
  readonly status: IntentStatus;
  readonly exceptions: readonly IntentException[];
  readonly transactionHash: string | null;
  readonly verifiedAt: string | null;
};

type Fact =
  | { readonly type: 'IntentCreated'; readonly terms: Terms }
  | { readonly type: 'DepositSeen'; readonly deposit: DepositFact }
  | { readonly type: 'DepositReverted'; readonly deposit: DepositFact }
  | {
      readonly type: 'DepositConfirmed';
      readonly deposit: DepositFact;
      readonly applied: bigint;
      readonly refundable: bigint;
      readonly exception: IntentException | null;
    }
  | { readonly type: 'DepositBooked'; readonly depositId: string }
  | { readonly type: 'IntentPaid'; readonly asset: AssetCode; readonly amount: bigint }
  | { readonly type: 'IntentExpired' }
  /** `amount` is what was applied and is now refundable. */
  | { readonly type: 'IntentUnderpaid'; readonly asset: AssetCode; readonly amount: bigint }
  | { readonly type: 'IntentSettled'; readonly settlementId: string; readonly ledgerReference: string };

export type IntentEvent = Fact & {
  readonly intentId: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly at: string;
  /** The state after this event if status, amounts or exceptions changed with it. */
  readonly change: IntentSummary | null;
};

/** In descending precedence: when several apply, the first listed is returned. */
export const intentRejections = [
  'idempotency_key_reused',
  'intent_not_found',
  'deposit_not_confirmed',
  'intent_not_paid',
  'intent_already_paid',
  'intent_not_due',
  'deposit_in_flight',
] as const;
export type IntentRejection = (typeof intentRejections)[number];

type Deposit = DepositFact & {
  readonly phase: 'seen' | 'reverted' | 'confirmed' | 'booked';
  /** When it was first seen; null while only its reversal is known. */
  readonly seenAt: string | null;
  readonly applied: bigint;
  readonly refundable: bigint;
};

export type Intent = Terms & {
  readonly stage: 'open' | 'paid' | 'settled' | 'expired' | 'underpaid';
  readonly deposits: LayeredMap<Deposit>;
  readonly exceptions: readonly IntentException[];
  /** Of the deposit that was last applied, so of the one that completed the amount. */
  readonly transactionHash: string | null;
  readonly verifiedAt: string | null;
};
export type IntentState = { readonly stage: 'none' } | Intent;

export const paymentIntent: Decider<IntentState, IntentCommand, IntentEvent, IntentRejection> = {
  initial: { stage: 'none' },
  decide,
  evolve,
};

function decide(command: IntentCommand, state: IntentState): Decision<IntentEvent, IntentRejection> {
  if (command.type === 'CreateIntent') return create(command, state);
  if (state.stage === 'none') return reject('intent_not_found');
  const { at } = command;
  switch (command.type) {
    case 'RecordDepositSeen':
      return isNews(state, command.deposit, 'seen')
        ? record(state, at, { type: 'DepositSeen', deposit: command.deposit })
        : accept();
    case 'RecordDepositReverted':
      return isNews(state, command.deposit, 'reverted')
        ? record(state, at, { type: 'DepositReverted', deposit: command.deposit })
        : accept();
    case 'RecordDepositConfirmed': {
      const { deposit } = command;
      if (deposit.amount === 0n || isFinal(valueAt(state.deposits, deposit.depositId))) return accept();
      return record(state, at, { type: 'DepositConfirmed', deposit, ...attribute(state, deposit) });
    }
    case 'RecordDepositBooked':
      return book(state, command.depositId, at);
    case 'ExpireIntent':
      return expire(state, at);
    case 'RecordSettled': {
      if (state.stage === 'settled') return accept();
      if (state.stage !== 'paid') return reject('intent_not_paid');
      const { settlementId, ledgerReference } = command;
      return record(state, at, { type: 'IntentSettled', settlementId, ledgerReference });
    }
    default:
      return assertNever(command);
  }
}

function create(
  command: Extract<IntentCommand, { type: 'CreateIntent' }>,
  state: IntentState,
): Decision<IntentEvent, IntentRejection> {
  const { type: _, ...terms } = command;
  if (state.stage === 'none') {
    assert(terms.amount > 0n, 'an intent asks for a positive amount');
    const { intentId, tenantId, mode, createdAt } = terms;
    const change = summaryOf(opened(terms));
    return accept({ type: 'IntentCreated', terms, intentId, tenantId, mode, at: createdAt, change });
  }
  return sameContent(terms, state) ? accept() : reject('idempotency_key_reused');
}

function book(intent: Intent, depositId: string, at: string): Decision<IntentEvent, IntentRejection> {
  const deposit = valueAt(intent.deposits, depositId);
  if (deposit === undefined || !isFinal(deposit)) return reject('deposit_not_confirmed');
  if (deposit.phase === 'booked') return accept();
  const booked: Fact = { type: 'DepositBooked', depositId };
  const after = apply(intent, booked, at);
  const complete = intent.stage === 'open' && appliedTo(after) === after.amount && !awaitsBooking(after);
  if (!complete) return record(intent, at, booked);
  return record(intent, at, booked, { type: 'IntentPaid', asset: intent.asset, amount: intent.amount });
}

function expire(intent: Intent, at: string): Decision<IntentEvent, IntentRejection> {
  if (intent.stage === 'expired' || intent.stage === 'underpaid') return accept();
  if (intent.stage !== 'open') return reject('intent_already_paid');
  if (at < intent.expiresAt) return reject('intent_not_due');
  if (isInFlight(intent)) return reject('deposit_in_flight');
  const amount = appliedTo(intent);
  if (amount === 0n) return record(intent, at, { type: 'IntentExpired' });
  return record(intent, at, { type: 'IntentUnderpaid', asset: intent.asset, amount });
}

/**
 * Total over histories that `decide` can produce. Any other history means a corrupt store, so it asserts instead of
 * returning the state unchanged.
 */
function evolve(state: IntentState, event: IntentEvent): IntentState {
  if (event.type === 'IntentCreated') {
    assert(state.stage === 'none', 'created twice');
    return opened(event.terms);
  }
  assert(state.stage !== 'none', `${event.type} before creation`);
  return apply(state, event, event.at);
}

function apply(intent: Intent, fact: Exclude<Fact, { type: 'IntentCreated' }>, at: string): Intent {
  switch (fact.type) {
    case 'DepositSeen':
    case 'DepositReverted': {
      const known = valueAt(intent.deposits, fact.deposit.depositId);
      assert(!isFinal(known), `${fact.type} of a final deposit`);
      const seen = fact.type === 'DepositSeen';
      const seenAt = seen ? firstOf(known, fact.deposit) : (known?.seenAt ?? null);
      return withDeposit(intent, { ...fact.deposit, phase: seen ? 'seen' : 'reverted', seenAt, ...nothing });
    }
    case 'DepositConfirmed': {
      const { deposit, applied, refundable, exception } = fact;
      const known = valueAt(intent.deposits, deposit.depositId);
      assert(!isFinal(known), 'deposit confirmed twice');
      assert(applied + refundable === deposit.amount, 'deposit is not split exactly');
      const seenAt = firstOf(known, deposit);
      return {
        ...withDeposit(intent, { ...deposit, phase: 'confirmed', seenAt, applied, refundable }),
        transactionHash: applied > 0n ? deposit.transactionId : intent.transactionHash,
        exceptions:
          exception === null || intent.exceptions.includes(exception)
            ? intent.exceptions
            : [...intent.exceptions, exception].sort(),
      };
    }
    case 'DepositBooked': {
      const deposit = valueAt(intent.deposits, fact.depositId);
      assert(deposit?.phase === 'confirmed', 'booked a deposit that is not confirmed');
      return withDeposit(intent, { ...deposit, phase: 'booked' });
    }
    case 'IntentPaid':
      assert(intent.stage === 'open' && appliedTo(intent) === intent.amount, `paid while ${intent.stage}`);
      return { ...intent, stage: 'paid' };
    case 'IntentExpired':
      assert(intent.stage === 'open' && appliedTo(intent) === 0n, `expired while ${intent.stage}`);
      return { ...intent, stage: 'expired' };
    case 'IntentUnderpaid': {
      assert(intent.stage === 'open' && appliedTo(intent) === fact.amount, `underpaid while ${intent.stage}`);
      return { ...intent, stage: 'underpaid', deposits: mapValues(intent.deposits, giveBack) };
    }
    case 'IntentSettled':
      assert(intent.stage === 'paid', `settled while ${intent.stage}`);
      return { ...intent, stage: 'settled', verifiedAt: at };
    default:
      return assertNever(fact);
  }
}

/** Everything a reader may know, from the fold. */
export function summaryOf(intent: Intent): IntentSummary {
  const { stage: _stage, deposits, ...rest } = intent;
  const own = valuesOf(deposits).filter((deposit) => deposit.asset === intent.asset);
  return {
    ...rest,
    amountReceived: total(own.filter(({ phase }) => phase !== 'reverted').map(({ amount }) => amount)),
    amountApplied: appliedTo(intent),
    amountRefundable: total(own.map(({ refundable }) => refundable)),
    status: statusOf(intent),
  };
}

function statusOf(intent: Intent): IntentStatus {
  if (intent.stage !== 'open') return intent.stage;
  const applied = appliedTo(intent);
  if (isInFlight(intent) || applied === intent.amount) return 'confirming';
  return applied > 0n ? 'partially_paid' : 'pending';
}

/** How a final deposit is split. What cannot be applied is owed back, and the exception says why. */
function attribute(
  intent: Intent,
  deposit: DepositFact,
): { applied: bigint; refundable: bigint; exception: IntentException | null } {
  const back = (exception: IntentException) => ({ applied: 0n, refundable: deposit.amount, exception });
  if (deposit.asset !== intent.asset) return back('wrong_asset');
  if (intent.stage === 'expired' || intent.stage === 'underpaid') return back('paid_late');
  const missing = intent.amount - appliedTo(intent);
  const known = valueAt(intent.deposits, deposit.depositId);
  if (missing > 0n && firstOf(known, deposit) >= intent.expiresAt) return back('paid_late');
  const applied = deposit.amount < missing ? deposit.amount : missing;
  return {
    applied,
    refundable: deposit.amount - applied,
    exception: applied < deposit.amount ? 'overpaid' : null,
  };
}

/** Of two facts about a deposit that is not final, the later recorded one counts, whatever order they arrive in. */
function isNews(intent: Intent, fact: DepositFact, phase: 'seen' | 'reverted'): boolean {
  if (fact.amount === 0n) return false;
  const known = valueAt(intent.deposits, fact.depositId);
  if (known === undefined) return true;
  if (isFinal(known)) return false;
  return known.phase === phase ? fact.at > known.at : fact.at >= known.at;
}

function isFinal(deposit: Deposit | undefined): boolean {
  return deposit?.phase === 'confirmed' || deposit?.phase === 'booked';
}

function isInFlight(intent: Intent): boolean {
  const seenInTime = valuesOf(intent.deposits).some(
    ({ phase, asset, seenAt }) =>
      phase === 'seen' && asset === intent.asset && seenAt !== null && seenAt < intent.expiresAt,
  );
  return seenInTime || awaitsBooking(intent);
}

function awaitsBooking(intent: Intent): boolean {
  return valuesOf(intent.deposits).some(({ phase, applied }) => phase === 'confirmed' && applied > 0n);
}

function firstOf(known: Deposit | undefined, fact: DepositFact): string {
  return known?.seenAt != null && known.seenAt < fact.at ? known.seenAt : fact.at;
}

const nothing = { applied: 0n, refundable: 0n };

function giveBack(deposit: Deposit): Deposit {
  return { ...deposit, applied: 0n, refundable: deposit.refundable + deposit.applied };
}

function opened(terms: Terms): Intent {
  return { ...terms, stage: 'open', deposits: emptyMap(), exceptions: [], transactionHash: null, verifiedAt: null };
}

function withDeposit(intent: Intent, deposit: Deposit): Intent {
  return { ...intent, deposits: withValue(intent.deposits, deposit.depositId, deposit) };
}

function appliedTo(intent: Intent): bigint {
  return total(valuesOf(intent.deposits).map(({ applied }) => applied));
}

function total(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}

function sameContent(terms: Terms, intent: Intent): boolean {
  return terms.orderId === intent.orderId && terms.currency === intent.currency && terms.amount === intent.amount;
}

/** Stamps the facts, in order, with the intent they belong to and the state each leaves behind if that is another. */
function record(
  intent: Intent,
  at: string,
  ...facts: readonly Exclude<Fact, { type: 'IntentCreated' }>[]
): Decision<IntentEvent, never> {
  const { intentId, tenantId, mode } = intent;
  let current = intent;
  const events = facts.map((fact): IntentEvent => {
    const before = summaryOf(current);
    current = apply(current, fact, at);
    const after = summaryOf(current);
    return { ...fact, intentId, tenantId, mode, at, change: differs(before, after) ? after : null };
  });
  return accept(...events);
}

function differs(before: IntentSummary, after: IntentSummary): boolean {
  return (
    before.status !== after.status ||
    before.amountReceived !== after.amountReceived ||
    before.amountApplied !== after.amountApplied ||
    before.amountRefundable !== after.amountRefundable ||
    before.exceptions.length !== after.exceptions.length
  );
}
