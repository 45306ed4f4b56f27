/**
 * What went back of the money of an order of PayPal. A capture says by its status that something did, its refunds say how much,
 * and the disputes say which of it a payer took back: PayPal shows a reversal as one more refund of the capture.
 * https://developer.paypal.com/docs/api/payments/v2/
 */
import { z } from 'zod';
import type { Returned } from '../../domain/provider-payment';
import { money, notPermitted, takenUnitsOf, unavailable, unitsOf, type PaypalApi } from './paypal-api';
import { disputesOf, type Disputes } from './paypal-disputes';
import { readAnswer } from './provider-http';

/**
 * What each status of a capture says, by PayPal's documentation. A refund changes a capture's status and not its amount: what
 * was given back later was taken all the same. A status that is not here makes the answer one that says nothing.
 */
const captureStatuses = {
  COMPLETED: 'taken',
  PARTIALLY_REFUNDED: 'taken',
  REFUNDED: 'taken',
  REVERSED: 'taken',
  PENDING: 'processing',
  DECLINED: 'refused',
  FAILED: 'refused',
} as const;

/** Why a capture that is pending or declined is so, where its money was taken before: it is held, or went back. */
const reasonsAfterTaking: readonly (string | undefined)[] = ['BUYER_COMPLAINT', 'CHARGEBACK', 'REFUNDED'];

export const capture = z.object({
  id: z.string(),
  status: z.enum(Object.keys(captureStatuses) as (keyof typeof captureStatuses)[]),
  status_details: z.object({ reason: z.string().optional() }).optional(),
  amount: money,
});
export type Capture = z.infer<typeof capture>;

/** One that is pending leaves, as an eCheck that has not cleared: PayPal takes it off when that fails. */
const refundStatuses = { COMPLETED: 'counts', PENDING: 'counts', CANCELLED: 'not', FAILED: 'not' } as const;
const refund = z.object({
  status: z.enum(Object.keys(refundStatuses) as (keyof typeof refundStatuses)[]),
  amount: money,
});

export function captureStands({ status, status_details: details }: Capture): 'taken' | 'processing' | 'refused' {
  return reasonsAfterTaking.includes(details?.reason) ? 'taken' : captureStatuses[status];
}

/**
 * Captures and refunds say how much went back; disputes say which of it was charged back, and how much only where a capture
 * does not say it: what a dispute gave to the payer may be PayPal's money. The refunds that are listed and the status of a
 * capture tell of the same money, so the larger of them went back, and not their sum.
 */
export async function returnedOf(
  ask: PaypalApi,
  { captures, refunds }: { readonly captures: readonly Capture[]; readonly refunds: readonly unknown[] },
  currency: string,
): Promise<Returned> {
  if (captures.length === 0) throw unavailable('an order that was captured and has no capture');
  const refunded = sum(
    readAnswer(z.array(refund), refunds, 'PayPal')
      .filter(({ status }) => refundStatuses[status] === 'counts')
      .map(({ amount }) => unitsOf(amount, currency)),
  );
  const looked: Looked[] = [];
  for (const each of captures) {
    const amount = takenUnitsOf(each.amount, currency);
    looked.push({ capture: each, amount, disputes: await disputesOf(ask, { id: each.id, amount, currency }) });
  }
  // Disputes may have been read at an earlier look: less than was told then must not be told now.
  if (looked.some(({ disputes }) => disputes === null) && !isExplained(looked, refunded))
    throw notPermitted('what went back, without the disputes');
  const returned = max(refunded, sum(looked.map((each) => goneOf(each, refunded))));
  if (returned === 0n && looked.some(isPartOfUnknownSize)) throw unavailable('a part that went back, and not how much');
  const chargedBack = min(returned, sum(looked.map(takenBackOf)));
  return {
    refunded: returned - chargedBack,
    chargedBack,
    disputed: looked.some(({ disputes }) => disputes?.isOpen === true),
  };
}

type Looked = {
  readonly capture: Capture;
  readonly amount: bigint;
  /** Null where they may not be read. */
  readonly disputes: Disputes | null;
};

/** By what all of a capture went back, where it says so. */
function goneBy({ status, status_details: details }: Capture): 'refund' | 'reversal' | null {
  if (status === 'PARTIALLY_REFUNDED') return null;
  if (status === 'REVERSED' || details?.reason === 'CHARGEBACK') return 'reversal';
  return status === 'REFUNDED' || details?.reason === 'REFUNDED' ? 'refund' : null;
}

/** PayPal may reverse a part, which a capture does not say: where disputes name money, that is what was reversed. */
function takenBackOf({ capture: of, amount, disputes }: Looked): bigint {
  const won = disputes?.won ?? 0n;
  return goneBy(of) === 'reversal' && won === 0n ? amount : won;
}

/** How much went back by what a capture shows, its refunds apart. */
function goneOf(looked: Looked, refunded: bigint): bigint {
  const { capture: of, amount } = looked;
  if (goneBy(of) === 'refund') return amount;
  const isUnsized = isHeld(of) || (of.status === 'PARTIALLY_REFUNDED' && refunded === 0n);
  return goneBy(of) === 'reversal' || isUnsized ? takenBackOf(looked) : 0n;
}

/** For a payer's complaint. What became of the money is in its disputes. */
function isHeld({ status_details: details }: Capture): boolean {
  return details?.reason === 'BUYER_COMPLAINT';
}

/** A dispute that is open is shown as a refund of a part too, while PayPal holds the money. */
function isPartOfUnknownSize({ capture: of, disputes }: Looked): boolean {
  return of.status === 'PARTIALLY_REFUNDED' && disputes?.count === 0;
}

/** Without disputes. A capture that was reversed says itself what became of it. */
function isExplained(looked: readonly Looked[], refunded: bigint): boolean {
  if (looked.some(({ capture: of }) => isHeld(of))) return false;
  if (refunded === 0n && looked.some(({ capture: of }) => of.status === 'PARTIALLY_REFUNDED')) return false;
  return refunded >= sum(looked.map((each) => (goneBy(each.capture) === 'refund' ? each.amount : 0n)));
}

const sum = (units: readonly bigint[]): bigint => units.reduce((total, each) => total + each, 0n);
const max = (one: bigint, other: bigint): bigint => (one > other ? one : other);
const min = (one: bigint, other: bigint): bigint => (one < other ? one : other);
