/** A payment intent as its events make it: what they say, what they leave behind, and what may be read from that. */
import { assert, assertNever, emptyMap, mapValues, valueAt, valuesOf, withValue, type LayeredMap } from '@daybook/core';
import type { intentCurrencies, intentExceptions, intentStatuses, Mode } from '@daybook/contracts';
import type { AssetCode } from '@daybook/money';
import { receiptPlaces, type PolicyPart, type ReceiptPlace } from './receipt-policy';

export type IntentStatus = (typeof intentStatuses)[number];
export type IntentException = (typeof intentExceptions)[number];
export type IntentCurrency = (typeof intentCurrencies)[number];

export type Terms = {
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

/** Where the units of a deposit are: they add up to it once it is final. At most one place beside `applied` has any. */
export type Split = { readonly applied: bigint } & Readonly<Record<ReceiptPlace, bigint>>;

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

export type Fact =
  | { readonly type: 'IntentCreated'; readonly terms: Terms }
  | { readonly type: 'DepositSeen'; readonly deposit: DepositFact }
  | { readonly type: 'DepositReverted'; readonly deposit: DepositFact }
  | ({
      readonly type: 'DepositConfirmed';
      readonly deposit: DepositFact;
      readonly exception: IntentException | null;
      /** The part of the tenant's policy that said where the rest goes; null without a rest, or before there were any. */
      readonly decidedBy: PolicyPart | null;
    } & Split)
  | { readonly type: 'DepositBooked'; readonly depositId: string }
  /** `amount` is what was applied: less than was asked for only within the tenant's tolerance. */
  | { readonly type: 'IntentPaid'; readonly asset: AssetCode; readonly amount: bigint }
  | { readonly type: 'IntentExpired' }
  /** `amount` is what was applied and is now at `place`. */
  | {
      readonly type: 'IntentUnderpaid';
      readonly asset: AssetCode;
      readonly amount: bigint;
      readonly place: ReceiptPlace;
      readonly decidedBy: PolicyPart | null;
    }
  | { readonly type: 'IntentSettled'; readonly settlementId: string; readonly ledgerReference: string }
  /** Somebody decided: all of a deposit that was at `from` is now at `to`. */
  | {
      readonly type: 'ReceiptMoved';
      readonly depositId: string;
      /** The first of its deposit is 1. */
      readonly move: number;
      readonly asset: AssetCode;
      readonly amount: bigint;
      readonly from: ReceiptPlace;
      readonly to: ReceiptPlace;
      /** Credential that decided. */
      readonly actor: string;
    };

export type IntentEvent = Fact & {
  readonly intentId: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly at: string;
  /** The state after this event if status, amounts or exceptions changed with it. */
  readonly change: IntentSummary | null;
};

export type Deposit = DepositFact &
  Split & {
    readonly phase: 'seen' | 'reverted' | 'confirmed' | 'booked';
    /** When it was first seen; null while only its reversal is known. */
    readonly seenAt: string | null;
    /** How often somebody moved it. */
    readonly moves: number;
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

export const nowhere: Split = { applied: 0n, credited: 0n, held: 0n, refundable: 0n, suspense: 0n };

export function opened(terms: Terms): Intent {
  return { ...terms, stage: 'open', deposits: emptyMap(), exceptions: [], transactionHash: null, verifiedAt: null };
}

/** Total over histories that the decider can produce. Any other means a corrupt store, so it asserts. */
export function apply(intent: Intent, fact: Exclude<Fact, { type: 'IntentCreated' }>, at: string): Intent {
  switch (fact.type) {
    case 'DepositSeen':
    case 'DepositReverted': {
      const known = valueAt(intent.deposits, fact.deposit.depositId);
      assert(!isFinal(known), `${fact.type} of a final deposit`);
      const seen = fact.type === 'DepositSeen';
      const seenAt = seen ? firstOf(known, fact.deposit) : (known?.seenAt ?? null);
      const phase = seen ? 'seen' : 'reverted';
      return withDeposit(intent, { ...fact.deposit, ...nowhere, phase, seenAt, moves: 0 });
    }
    case 'DepositConfirmed':
      return confirm(intent, fact);
    case 'DepositBooked': {
      const deposit = valueAt(intent.deposits, fact.depositId);
      assert(deposit?.phase === 'confirmed', 'booked a deposit that is not confirmed');
      return withDeposit(intent, { ...deposit, phase: 'booked' });
    }
    case 'IntentPaid':
      assert(intent.stage === 'open' && appliedTo(intent) === fact.amount, `paid while ${intent.stage}`);
      return {
        ...intent,
        stage: 'paid',
        exceptions: fact.amount < intent.amount ? withException(intent, 'underpaid') : intent.exceptions,
      };
    case 'IntentExpired':
      assert(intent.stage === 'open' && appliedTo(intent) === 0n, `expired while ${intent.stage}`);
      return { ...intent, stage: 'expired' };
    case 'IntentUnderpaid': {
      assert(intent.stage === 'open' && appliedTo(intent) === fact.amount, `underpaid while ${intent.stage}`);
      const deposits = mapValues(intent.deposits, (deposit) => taken(deposit, fact.place));
      return { ...intent, stage: 'underpaid', deposits };
    }
    case 'IntentSettled':
      assert(intent.stage === 'paid', `settled while ${intent.stage}`);
      return { ...intent, stage: 'settled', verifiedAt: at };
    case 'ReceiptMoved': {
      const { depositId, from, to, amount, move } = fact;
      const deposit = valueAt(intent.deposits, depositId);
      assert(deposit !== undefined && deposit[from] === amount, `moved what is not ${from}`);
      return withDeposit(intent, { ...deposit, [from]: 0n, [to]: deposit[to] + amount, moves: move });
    }
    default:
      return assertNever(fact);
  }
}

function confirm(intent: Intent, fact: Extract<Fact, { type: 'DepositConfirmed' }>): Intent {
  const { deposit, exception, applied, credited, held, refundable, suspense } = fact;
  const known = valueAt(intent.deposits, deposit.depositId);
  assert(!isFinal(known), 'deposit confirmed twice');
  const split: Split = { applied, credited, held, refundable, suspense };
  assert(total(Object.values(split)) === deposit.amount, 'deposit is not split exactly');
  const seenAt = firstOf(known, deposit);
  return {
    ...withDeposit(intent, { ...deposit, ...split, phase: 'confirmed', seenAt, moves: 0 }),
    transactionHash: applied > 0n ? deposit.transactionId : intent.transactionHash,
    exceptions: exception === null ? intent.exceptions : withException(intent, exception),
  };
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

export function isFinal(deposit: Deposit | undefined): deposit is Deposit & { readonly phase: 'confirmed' | 'booked' } {
  return deposit?.phase === 'confirmed' || deposit?.phase === 'booked';
}

export function isInFlight(intent: Intent): boolean {
  const seenInTime = valuesOf(intent.deposits).some(
    ({ phase, asset, seenAt }) =>
      phase === 'seen' && asset === intent.asset && seenAt !== null && seenAt < intent.expiresAt,
  );
  return seenInTime || awaitsBooking(intent);
}

export function awaitsBooking(intent: Intent): boolean {
  return valuesOf(intent.deposits).some(({ phase, applied }) => phase === 'confirmed' && applied > 0n);
}

export function firstOf(known: Deposit | undefined, fact: DepositFact): string {
  return known?.seenAt != null && known.seenAt < fact.at ? known.seenAt : fact.at;
}

/** Where a deposit is as far as it is not applied. */
export function restOf(deposit: Deposit): { readonly place: ReceiptPlace; readonly amount: bigint } | undefined {
  const place = receiptPlaces.find((each) => deposit[each] > 0n);
  return place && { place, amount: deposit[place] };
}

export function appliedTo(intent: Intent): bigint {
  return total(valuesOf(intent.deposits).map(({ applied }) => applied));
}

function taken(deposit: Deposit, place: ReceiptPlace): Deposit {
  if (deposit.applied === 0n) return deposit;
  return { ...deposit, applied: 0n, [place]: deposit[place] + deposit.applied };
}

function withDeposit(intent: Intent, deposit: Deposit): Intent {
  return { ...intent, deposits: withValue(intent.deposits, deposit.depositId, deposit) };
}

function withException({ exceptions }: Intent, exception: IntentException): readonly IntentException[] {
  return exceptions.includes(exception) ? exceptions : [...exceptions, exception].sort();
}

function total(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}
