/**
 * What may be signed: the rules between a holder of the token, who may be anyone, and the keys. Pure; time is told, and
 * what was signed before is `Signed`, folded from the journal.
 *
 *   none ──sign──▶ signed ──higher fee, same slot──▶ signed …
 *
 *   P1  A send has one recipient, asset, amount, way and set of slots for ever.
 *   P2  A slot is of one send for ever.
 *   P3  A request that was signed is answered as it was then, and counts no second time.
 *   P4  A second transaction of a send has the same slots, which only one of them can take, and a higher fee; there are
 *       at most `replacementsMax`.
 *   P5  No send's amount, no send's fee, and of no UTC day the sum of amounts or of fees is above its cap.
 *   P6  An asset without caps is not sent, and neither is one whose fee asset has none.
 *   P7  A clock that is set back opens no day: what is signed after it counts for the day that was open before, too, until
 *       the clock has gone on for 24 hours from where it was set to.
 */
import { assert } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import type { Refusal, SignAnswer } from '../protocol';

/** In minor units. */
export type Caps = { readonly perSend: bigint; readonly perDay: bigint };
export type FeeCaps = Caps & {
  /** Of the amount, where the fee is paid in the same asset. */
  readonly percentMax?: bigint;
};

export type Policy = {
  readonly amounts: Readonly<Partial<Record<AssetCode, Caps>>>;
  readonly fees: Readonly<Partial<Record<AssetCode, FeeCaps>>>;
  /** Nobody else is paid. As `Terms.to` writes them. */
  readonly recipients?: ReadonlySet<string> | undefined;
  /** Transactions that may replace the first one of a send. */
  readonly replacementsMax: number;
};

/** What a request comes down to, whatever its chain. */
export type Terms = {
  readonly sendId: string;
  /** Names the whole request: a request that differs in anything has another. */
  readonly digest: string;
  readonly to: string;
  readonly asset: AssetCode;
  readonly amount: bigint;
  /** How it gets there: plainly, with what its inputs are told to have, or through which contract under which id. */
  readonly way: string;
  /** What the transaction uses up, such as the wallet's nonce. Sorted. */
  readonly slots: readonly string[];
  /** Whether a chain includes at most one transaction with these slots. */
  readonly exclusive: boolean;
  readonly feeAsset: AssetCode;
  /** The most that it can cost. */
  readonly fee: bigint;
};

/** A signature as it is told to who compares what was signed with what is recorded elsewhere. */
type Given = Pick<Terms, 'sendId' | 'digest'> & Pick<SignAnswer, 'transactionId'> & { readonly at: number };

/** A signature that was given. `at` is in milliseconds since 1970. */
export type SendSigned = { readonly terms: Terms; readonly at: number; readonly answer: SignAnswer };

type Send = { readonly first: Terms; feeMax: bigint; readonly answers: Map<string, SignAnswer> };

type Sums = { readonly amounts: Map<AssetCode, bigint>; readonly fees: Map<AssetCode, bigint> };

/**
 * Everything signed so far. It is changed in place by `remember`: copies of all sends for each new one would take ever
 * longer.
 */
export type Signed = {
  readonly sends: Map<string, Send>;
  readonly slots: Map<string, string>;
  /** All signatures, the oldest first. */
  readonly order: Given[];
  /** Sums by UTC day. For ever, since a clock may show any day again; there is one for each day with a signature. */
  readonly days: Map<number, Sums>;
  /** The day that is open, and the times, from `since` to before `until`, at which it stays open. */
  readonly open: { day: number; since: number; until: number };
};

export function nothingSigned(): Signed {
  return { sends: new Map(), slots: new Map(), order: [], days: new Map(), open: { day: 0, since: 0, until: 0 } };
}

export type Verdict =
  | { readonly type: 'repeat'; readonly answer: SignAnswer }
  | { readonly type: 'sign' }
  | { readonly type: 'refused'; readonly refusal: Refusal };

/** The answer that this very request was given before, if it was. */
export function repeated(sendId: string, digest: string, signed: Signed): SignAnswer | undefined {
  return signed.sends.get(sendId)?.answers.get(digest);
}

/** Places count from 1, in the order of the journal. */
export function signedAfter({ order }: Signed, { after, limit }: { readonly after: number; readonly limit: number }) {
  const signatures = order.slice(after, after + limit).map((one, index) => ({ place: after + index + 1, ...one }));
  return { total: order.length, signatures };
}

/** Notes the time, also of what it refuses: how long a clock has gone on is seen by every request. */
export function decide(terms: Terms, at: number, signed: Signed, policy: Policy): Verdict {
  noteTime(at, signed);
  const answer = repeated(terms.sendId, terms.digest, signed);
  if (answer !== undefined) return { type: 'repeat', answer };
  const refusal =
    refusedByLists(terms, policy) ??
    refusedByHistory(terms, signed, policy) ??
    refusedByCaps(terms, at, signed, policy);
  return refusal === undefined ? { type: 'sign' } : { type: 'refused', refusal };
}

function refusedByLists({ asset, feeAsset, to }: Terms, { amounts, fees, recipients }: Policy): Refusal | undefined {
  if (amounts[asset] === undefined || fees[feeAsset] === undefined) return 'asset_not_allowed';
  return recipients === undefined || recipients.has(to) ? undefined : 'recipient_not_allowed';
}

function refusedByHistory(terms: Terms, signed: Signed, policy: Policy): Refusal | undefined {
  const send = signed.sends.get(terms.sendId);
  if (send !== undefined && !isSamePayment(send.first, terms)) return 'send_exists_with_different_fields';
  if (terms.slots.some((slot) => (signed.slots.get(slot) ?? terms.sendId) !== terms.sendId)) return 'slot_taken';
  if (send === undefined) return undefined;
  if (!terms.exclusive || terms.fee <= send.feeMax) return 'replacement_not_possible';
  return send.answers.size > policy.replacementsMax ? 'replacements_exhausted' : undefined;
}

function refusedByCaps(terms: Terms, at: number, signed: Signed, policy: Policy): Refusal | undefined {
  const { asset, amount, feeAsset, fee } = terms;
  const feeCaps = policy.fees[feeAsset];
  const amountCaps = policy.amounts[asset];
  assert(feeCaps && amountCaps, 'assets without caps are refused before');
  const days = daysOf(at, signed).map((day) => signed.days.get(day));
  const before = (sum: keyof Sums, of: AssetCode) =>
    days.reduce((most, sums) => larger(most, sums?.[sum].get(of) ?? 0n), 0n);
  const known = signed.sends.get(terms.sendId);
  if (fee > feeCaps.perSend) return 'fee_above_send_cap';
  if (feeCaps.percentMax !== undefined && asset === feeAsset && fee * 100n > amount * feeCaps.percentMax)
    return 'fee_above_send_cap';
  if (before('fees', feeAsset) + fee - (known?.feeMax ?? 0n) > feeCaps.perDay) return 'fee_above_day_cap';
  // A replacement pays what was allowed when the send was first signed.
  if (known !== undefined) return undefined;
  if (amount > amountCaps.perSend) return 'amount_above_send_cap';
  return before('amounts', asset) + amount > amountCaps.perDay ? 'amount_above_day_cap' : undefined;
}

/** Folds one signature. Asserts on a history that `decide` cannot have made. */
export function remember(signed: Signed, { terms, at, answer }: SendSigned): void {
  const { sendId, digest, slots, asset, amount, feeAsset, fee } = terms;
  noteTime(at, signed);
  signed.order.push({ sendId, transactionId: answer.transactionId, digest, at });
  const send = signed.sends.get(sendId);
  assert(send === undefined || isSamePayment(send.first, terms), `send ${sendId} was signed with different fields`);
  assert(send === undefined || fee > send.feeMax, `send ${sendId} was replaced without a higher fee`);
  for (const slot of slots) {
    assert((signed.slots.get(slot) ?? sendId) === sendId, `slot ${slot} was given to two sends`);
    signed.slots.set(slot, sendId);
  }
  for (const day of daysOf(at, signed)) {
    const sums = signed.days.get(day) ?? { amounts: new Map(), fees: new Map() };
    signed.days.set(day, sums);
    add(sums.fees, feeAsset, fee - (send?.feeMax ?? 0n));
    if (send === undefined) add(sums.amounts, asset, amount);
  }
  if (send === undefined) {
    signed.sends.set(sendId, { first: terms, feeMax: fee, answers: new Map([[digest, answer]]) });
    return;
  }
  send.feeMax = fee;
  send.answers.set(digest, answer);
}

const dayMs = 86_400_000;

/** Since 1970, UTC. */
const dayOf = (at: number) => Math.floor(at / dayMs);

/**
 * A later day opens when the clock comes to it. A clock that was set back, or put right after it was ahead, opens none: the
 * open day stays, for 24 hours of that clock. So a wrong clock can neither make caps anew nor take them away for years.
 */
function noteTime(at: number, { open }: Signed): void {
  if (at >= open.until) {
    open.day = dayOf(at);
    open.since = open.day * dayMs;
    open.until = open.since + dayMs;
  } else if (at < open.since) {
    open.since = at;
    open.until = at + dayMs;
  }
}

/** What a signature counts for: its own day, whatever day is open, and the open one. */
function daysOf(at: number, { open }: Signed): readonly number[] {
  const own = dayOf(at);
  return own === open.day ? [own] : [own, open.day];
}

const larger = (a: bigint, b: bigint) => (a > b ? a : b);

function isSamePayment(a: Terms, b: Terms): boolean {
  return (
    a.to === b.to &&
    a.asset === b.asset &&
    a.amount === b.amount &&
    a.way === b.way &&
    a.slots.length === b.slots.length &&
    a.slots.every((slot, at) => slot === b.slots[at])
  );
}

function add(sums: Map<AssetCode, bigint>, asset: AssetCode, units: bigint): void {
  sums.set(asset, (sums.get(asset) ?? 0n) + units);
}
