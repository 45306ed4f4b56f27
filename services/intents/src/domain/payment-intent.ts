/**
 * Payment intent: a request for an amount of one asset at one address, and the attribution of every deposit there.
 *
 *   none ──create──▶ pending ◀─seen / reverted─▶ confirming ──booked──▶ paid ──settle──▶ settled
 *                       │                         ▲      │               ▲
 *                       │                        seen  booked            │
 *                       │                         │      ▼               │
 *                       │                      partially_paid ──expire───┘ within the tolerance
 *                     expire                        expire
 *                       ▼                              ▼
 *                    expired                       underpaid
 *
 * `confirming` means that a deposit is in flight: seen in time and not final, or applied and not in the journal yet.
 * Time ends an intent only when nothing is in flight. Deposits are facts and are never refused. What cannot be applied goes
 * where the tenant's policy says (receipt-policy.ts), and somebody may move it on from there.
 *
 * Invariants (each has a property test of the same name):
 *   P1  Every final deposit is split exactly: applied + credited + held + refundable + suspense = amount, at most one of the
 *       last four is not zero, and no more than the intent's amount is applied.
 *   P2  At most one of paid, expired and underpaid ever happens; settled only follows paid; only edges of the diagram are taken.
 *   P3  Paid means that exactly the amount is applied, or within the tolerance less, and all of that is booked; without a
 *       tolerance it is recorded as soon as that is so.
 *   P4  A deposit in flight holds back expiry, and payment of less than the amount; expiry also waits for what the watcher
 *       has recorded and has not been told here yet.
 *   P5  Repeating an accepted command at once is accepted again and records nothing.
 *   P6  By the default policy, the totals of deposits in time do not depend on the order in which their facts arrive, nor on
 *       repeats.
 *   P7  A deposit that is seen and reverted leaves status, amounts and exceptions as they were.
 *   P8  An event carries the full state exactly when it changed status, amounts or exceptions.
 *   P9  A move takes all of a deposit's rest to one other place; nothing is moved out of `credited`.
 */
import { accept, assert, assertNever, reject, valueAt, type Decider, type Decision } from '@daybook/core';
import {
  appliedTo,
  apply,
  awaitsBooking,
  firstOf,
  isFinal,
  isInFlight,
  nowhere,
  opened,
  restOf,
  summaryOf,
  type DepositFact,
  type Fact,
  type Intent,
  type IntentEvent,
  type IntentException,
  type IntentState,
  type IntentSummary,
  type Split,
  type Terms,
} from './intent-state';
import {
  defaultReceiptPolicy,
  isWithinTolerance,
  placeFor,
  type PolicyPart,
  type ReceiptPlace,
  type ReceiptPolicy,
} from './receipt-policy';

export { summaryOf } from './intent-state';
export type {
  DepositFact,
  Intent,
  IntentCurrency,
  IntentEvent,
  IntentException,
  IntentState,
  IntentStatus,
  IntentSummary,
} from './intent-state';

/** A deposit as it is at the watcher, whose fact may not have come yet. */
export type WatchedDeposit = { readonly depositId: string; readonly status: 'seen' | 'confirmed' | 'reverted' };

/** The tenant's policy at this moment; the default one when it is left out. */
type ByPolicy = { readonly policy?: ReceiptPolicy };

export type IntentCommand =
  | ({ readonly type: 'CreateIntent' } & Terms)
  | { readonly type: 'RecordDepositSeen'; readonly deposit: DepositFact; readonly at: string }
  | { readonly type: 'RecordDepositReverted'; readonly deposit: DepositFact; readonly at: string }
  | ({ readonly type: 'RecordDepositConfirmed'; readonly deposit: DepositFact; readonly at: string } & ByPolicy)
  | ({ readonly type: 'RecordDepositBooked'; readonly depositId: string; readonly at: string } & ByPolicy)
  | ({
      readonly type: 'ExpireIntent';
      readonly at: string;
      /** What the watcher knows of deposits at this moment. */
      readonly watched: readonly WatchedDeposit[];
    } & ByPolicy)
  | {
      readonly type: 'MoveReceipt';
      readonly depositId: string;
      readonly to: Exclude<ReceiptPlace, 'held'>;
      readonly actor: string;
      readonly at: string;
    }
  | {
      readonly type: 'RecordSettled';
      readonly settlementId: string;
      readonly ledgerReference: string;
      readonly at: string;
    };

/** In descending precedence: when several apply, the first listed is returned. */
const intentRejections = [
  'idempotency_key_reused',
  'intent_not_found',
  'deposit_not_confirmed',
  'intent_not_paid',
  'intent_already_paid',
  'intent_not_due',
  'deposit_in_flight',
  'receipt_not_found',
  'receipt_applied',
  'receipt_already_credited',
] as const;
export type IntentRejection = (typeof intentRejections)[number];

type CommandOf<Type extends IntentCommand['type']> = Extract<IntentCommand, { readonly type: Type }>;

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
      const split = attribute(state, deposit, command.policy ?? defaultReceiptPolicy);
      return record(state, at, { type: 'DepositConfirmed', deposit, ...split });
    }
    case 'RecordDepositBooked':
      return book(state, command);
    case 'ExpireIntent':
      return expire(state, command);
    case 'RecordSettled': {
      if (state.stage === 'settled') return accept();
      if (state.stage !== 'paid') return reject('intent_not_paid');
      const { settlementId, ledgerReference } = command;
      return record(state, at, { type: 'IntentSettled', settlementId, ledgerReference });
    }
    case 'MoveReceipt':
      return move(state, command);
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

function book(intent: Intent, command: CommandOf<'RecordDepositBooked'>): Decision<IntentEvent, IntentRejection> {
  const { depositId, at, policy = defaultReceiptPolicy } = command;
  const deposit = valueAt(intent.deposits, depositId);
  if (!isFinal(deposit)) return reject('deposit_not_confirmed');
  if (deposit.phase === 'booked') return accept();
  const booked: Fact = { type: 'DepositBooked', depositId };
  const after = apply(intent, booked, at);
  const amount = appliedTo(after);
  if (intent.stage !== 'open' || !isComplete(after, amount, policy)) return record(intent, at, booked);
  return record(intent, at, booked, { type: 'IntentPaid', asset: intent.asset, amount });
}

/** Less than the amount is taken for it only when nothing more is on its way. */
function isComplete(intent: Intent, applied: bigint, policy: ReceiptPolicy): boolean {
  if (applied === intent.amount) return !awaitsBooking(intent);
  return isWithinTolerance(policy, intent.amount, applied) && !isInFlight(intent);
}

function expire(intent: Intent, command: CommandOf<'ExpireIntent'>): Decision<IntentEvent, IntentRejection> {
  const { at, policy = defaultReceiptPolicy } = command;
  if (intent.stage === 'expired' || intent.stage === 'underpaid') return accept();
  if (intent.stage !== 'open') return reject('intent_already_paid');
  if (at < intent.expiresAt) return reject('intent_not_due');
  if (isInFlight(intent)) return reject('deposit_in_flight');
  if (command.watched.some((deposit) => isOnItsWay(intent, deposit))) return reject('deposit_in_flight');
  const { asset } = intent;
  const amount = appliedTo(intent);
  if (amount === 0n) return record(intent, at, { type: 'IntentExpired' });
  if (isWithinTolerance(policy, intent.amount, amount))
    return record(intent, at, { type: 'IntentPaid', asset, amount });
  return record(intent, at, {
    type: 'IntentUnderpaid',
    asset,
    amount,
    ...placeFor(policy, 'underpaid', asset, amount),
  });
}

/** The watcher has recorded more of it than has been told here. Whether it came in time is known when that has come. */
function isOnItsWay(intent: Intent, { depositId, status }: WatchedDeposit): boolean {
  const known = valueAt(intent.deposits, depositId);
  if (status === 'reverted' || isFinal(known)) return false;
  return status === 'confirmed' || known?.phase !== 'seen';
}

function move(intent: Intent, command: CommandOf<'MoveReceipt'>): Decision<IntentEvent, IntentRejection> {
  const { depositId, to, actor, at } = command;
  const deposit = valueAt(intent.deposits, depositId);
  if (!isFinal(deposit)) return reject('receipt_not_found');
  const rest = restOf(deposit);
  if (rest === undefined) return reject('receipt_applied');
  if (rest.place === to) return accept();
  if (rest.place === 'credited') return reject('receipt_already_credited');
  const { asset, moves } = deposit;
  const moved = { depositId, move: moves + 1, asset, amount: rest.amount, from: rest.place, to, actor };
  return record(intent, at, { type: 'ReceiptMoved', ...moved });
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

/** How a final deposit is split. What cannot be applied goes where the policy says, and the exception says why. */
function attribute(
  intent: Intent,
  deposit: DepositFact,
  policy: ReceiptPolicy,
): Split & { exception: IntentException | null; decidedBy: PolicyPart | null } {
  const rest = (exception: 'overpaid' | 'paid_late' | 'wrong_asset', applied = 0n) => {
    const amount = deposit.amount - applied;
    const { place, decidedBy } = placeFor(policy, exception, deposit.asset, amount);
    return { ...nowhere, applied, [place]: amount, exception, decidedBy };
  };
  if (deposit.asset !== intent.asset) return rest('wrong_asset');
  if (intent.stage === 'expired' || intent.stage === 'underpaid') return rest('paid_late');
  // One that was paid within the tolerance misses nothing any more.
  const missing = intent.stage === 'open' ? intent.amount - appliedTo(intent) : 0n;
  const known = valueAt(intent.deposits, deposit.depositId);
  if (missing > 0n && firstOf(known, deposit) >= intent.expiresAt) return rest('paid_late');
  const applied = deposit.amount < missing ? deposit.amount : missing;
  if (applied < deposit.amount) return rest('overpaid', applied);
  return { ...nowhere, applied, exception: null, decidedBy: null };
}

/** Of two facts about a deposit that is not final, the later recorded one counts, whatever order they arrive in. */
function isNews(intent: Intent, fact: DepositFact, phase: 'seen' | 'reverted'): boolean {
  if (fact.amount === 0n) return false;
  const known = valueAt(intent.deposits, fact.depositId);
  if (known === undefined) return true;
  if (isFinal(known)) return false;
  return known.phase === phase ? fact.at > known.at : fact.at >= known.at;
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
