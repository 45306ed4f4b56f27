/**
 * What went back of the money of an order of PayPal. A capture says by its status that something did, its refunds say how much,
 * and the disputes say which of it a payer took back: PayPal shows a reversal as one more refund of the capture.
 * https://developer.paypal.com/docs/api/payments/v2/ and /customer-disputes/v1/
 */
import { assets, parseAmount, type AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { Returned } from '../../domain/provider-payment';
import { money, reasonOf, unavailable, type PaypalApi } from './paypal-api';
import { otherPayment, readAnswer } from './provider-http';

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

/** Whose the money is when a dispute is resolved. With a payout PayPal itself pays the payer, and the seller keeps it. */
const outcomes = {
  RESOLVED_BUYER_FAVOUR: 'payer',
  ACCEPTED: 'payer',
  RESOLVED_WITH_PAYOUT: 'seller',
  RESOLVED_SELLER_FAVOUR: 'seller',
  CANCELED_BY_BUYER: 'seller',
  DENIED: 'seller',
  NONE: 'seller',
} as const;

const dispute = z.object({
  dispute_id: z.string(),
  disputed_transactions: z.array(z.object({ seller_transaction_id: z.string().optional() })),
  /** Until it is resolved the money is at most held. */
  status: z.enum([
    'OPEN',
    'WAITING_FOR_BUYER_RESPONSE',
    'WAITING_FOR_SELLER_RESPONSE',
    'UNDER_REVIEW',
    'OTHER',
    'RESOLVED',
  ]),
  dispute_amount: money,
  dispute_outcome: z
    .object({
      outcome_code: z.enum(Object.keys(outcomes) as (keyof typeof outcomes)[]),
      amount_refunded: money.optional(),
    })
    .optional(),
});
type Dispute = z.infer<typeof dispute>;

const listed = z.object({
  items: z.array(z.object({ dispute_id: z.string() })).default([]),
  links: z.array(z.object({ rel: z.string() })).default([]),
});
/** Far more than one capture ever has. One that has more asks for a person. */
const disputesMax = 10;

export function captureStands({ status, status_details: details }: Capture): 'taken' | 'processing' | 'refused' {
  return reasonsAfterTaking.includes(details?.reason) ? 'taken' : captureStatuses[status];
}

/**
 * The refunds that are listed, a status that says that all of it is gone and the disputes that the payer won tell of the same
 * money, so the largest of them went back, and not their sum. What the disputes took of it was charged back.
 */
export async function returnedOf(
  ask: PaypalApi,
  { captures, refunds }: { readonly captures: readonly Capture[]; readonly refunds: readonly unknown[] },
  currency: string,
): Promise<Returned> {
  if (captures.length === 0) throw unavailable('an order that was captured and has no capture');
  const sumOf = (told: readonly { readonly amount: z.infer<typeof money> }[]) =>
    sum(told.map(({ amount }) => unitsIn(amount, currency)));
  const counted = readAnswer(z.array(refund), refunds, 'PayPal').filter(
    ({ status }) => refundStatuses[status] === 'counts',
  );
  const refunded = sumOf(counted);
  if (refunded === 0n && captures.every(({ status }) => status === 'COMPLETED'))
    return { refunded, chargedBack: 0n, disputed: false };
  const reversed = sumOf(captures.filter((each) => goneBy(each) === 'reversal'));
  const gone = sumOf(captures.filter((each) => goneBy(each) === 'refund'));
  const disputes = await disputesOf(ask, captures);
  // Where disputes may not be read, refunds that explain what the captures say are told, with any reversals among them.
  if (disputes === null && refunded < gone) throw unavailable('money that went back, and not how');
  const chargedBack = max(reversed, sum((disputes ?? []).map((each) => takenBy(each, currency))));
  const returned = max(refunded, gone + reversed, chargedBack);
  // A dispute that is open is shown as a refund of a part too, while PayPal holds the money.
  if (returned === 0n && captures.some(({ status }) => status === 'PARTIALLY_REFUNDED') && !disputes?.length)
    throw unavailable('a part that went back, and not how much');
  return { refunded: returned - chargedBack, chargedBack, disputed: false };
}

/** By what all of a capture went back, where it says so. */
function goneBy({ status, status_details: details }: Capture): 'refund' | 'reversal' | null {
  if (status === 'REVERSED' || details?.reason === 'CHARGEBACK') return 'reversal';
  return status === 'REFUNDED' || details?.reason === 'REFUNDED' ? 'refund' : null;
}

/**
 * Asked for only where the capture says that something is back or held: its status follows its disputes. Null where PayPal
 * refuses to say, as it does to an app without the feature Disputes.
 */
async function disputesOf(ask: PaypalApi, captures: readonly Capture[]): Promise<readonly Dispute[] | null> {
  const disputes: Dispute[] = [];
  for (const { id } of captures) {
    const query = `disputed_transaction_id=${encodeURIComponent(id)}&page_size=${disputesMax}`;
    const answer = await ask('GET', `/v1/customer/disputes?${query}`, { sure: [403] });
    if (answer.status >= 400) return null;
    const { items, links } = readAnswer(listed, answer.body, 'PayPal');
    if (links.some(({ rel }) => rel === 'next')) throw unavailable(`more than ${disputesMax} disputes of one capture`);
    for (const each of items) disputes.push(await disputeOf(ask, each.dispute_id, id));
  }
  return disputes;
}

async function disputeOf(ask: PaypalApi, id: string, captureId: string): Promise<Dispute> {
  const answer = await ask('GET', `/v1/customer/disputes/${encodeURIComponent(id)}`);
  if (answer.status >= 400) throw unavailable(reasonOf(answer));
  const found = readAnswer(dispute, answer.body, 'PayPal');
  const isOfCapture = found.disputed_transactions.some(({ seller_transaction_id: of }) => of === captureId);
  if (found.dispute_id !== id || !isOfCapture) throw unavailable(otherPayment);
  return found;
}

function takenBy({ status, dispute_amount: disputed, dispute_outcome: outcome }: Dispute, currency: string): bigint {
  if (status !== 'RESOLVED') return 0n;
  if (outcome === undefined) throw unavailable('a dispute that is resolved, and not how');
  return outcomes[outcome.outcome_code] === 'payer' ? unitsIn(outcome.amount_refunded ?? disputed, currency) : 0n;
}

function unitsIn({ value, currency_code: said }: z.infer<typeof money>, currency: string): bigint {
  const parsed = parseAmount(value, assets[currency as AssetCode].scale);
  if (said === currency && (parsed.ok || parsed.problem === 'not_positive')) return parsed.ok ? parsed.units : 0n;
  throw unavailable(`${value} ${said} that went back of a payment in ${currency}`);
}

const sum = (units: readonly bigint[]): bigint => units.reduce((total, each) => total + each, 0n);
const max = (...units: readonly bigint[]): bigint => units.reduce((most, each) => (each > most ? each : most), 0n);
