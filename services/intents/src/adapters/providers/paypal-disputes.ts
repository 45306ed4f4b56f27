/**
 * The disputes of a capture of PayPal: whether one is open, and what of the capture its payer won.
 * https://developer.paypal.com/docs/api/customer-disputes/v1/
 */
import { z } from 'zod';
import { money, reasonOf, unavailable, unitsOf, type PaypalApi } from './paypal-api';
import { otherPayment, readAnswer, type ProviderAnswer } from './provider-http';

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
  disputed_transactions: z.array(
    z.object({
      seller_transaction_id: z.string().optional(),
      items: z.array(z.object({ dispute_amount: money.optional() })).default([]),
    }),
  ),
  /** Until it is resolved the money is at most held. */
  status: z.enum([
    'OPEN',
    'WAITING_FOR_BUYER_RESPONSE',
    'WAITING_FOR_SELLER_RESPONSE',
    'UNDER_REVIEW',
    'OTHER',
    'RESOLVED',
  ]),
  /** Of all that it is about. */
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

export type DisputedCapture = {
  readonly id: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: string;
};
export type Disputes = {
  readonly count: number;
  readonly isOpen: boolean;
  /** Minor units of the capture that disputes gave to the payer. */
  readonly won: bigint;
};

/** Null where PayPal refuses to say, as it does to an app without the feature Disputes. */
export async function disputesOf(ask: PaypalApi, capture: DisputedCapture): Promise<Disputes | null> {
  const query = `disputed_transaction_id=${encodeURIComponent(capture.id)}&page_size=${disputesMax}`;
  const answer = await askPermitted(ask, `/v1/customer/disputes?${query}`);
  if (answer === null) return null;
  const { items, links } = readAnswer(listed, answer.body, 'PayPal');
  if (links.some(({ rel }) => rel === 'next')) throw unavailable(`more than ${disputesMax} disputes of one capture`);
  const disputes: Dispute[] = [];
  for (const { dispute_id: id } of items) {
    const found = await disputeOf(ask, id, capture.id);
    if (found === null) return null;
    disputes.push(found);
  }
  return {
    count: disputes.length,
    isOpen: disputes.some(({ status }) => status !== 'RESOLVED'),
    won: min(
      capture.amount,
      disputes.reduce((sum, each) => sum + wonBy(each, capture), 0n),
    ),
  };
}

async function disputeOf(ask: PaypalApi, id: string, captureId: string): Promise<Dispute | null> {
  const answer = await askPermitted(ask, `/v1/customer/disputes/${encodeURIComponent(id)}`);
  if (answer === null) return null;
  const found = readAnswer(dispute, answer.body, 'PayPal');
  const isOfCapture = found.disputed_transactions.some(({ seller_transaction_id: of }) => of === captureId);
  if (found.dispute_id !== id || !isOfCapture) throw unavailable(otherPayment);
  return found;
}

async function askPermitted(ask: PaypalApi, path: string): Promise<ProviderAnswer | null> {
  const answer = await ask('GET', path, { sure: [403] });
  if (answer.status === 403) return null;
  if (answer.status >= 400) throw unavailable(reasonOf(answer));
  return answer;
}

/**
 * PayPal names one amount for a dispute, also where that is about several captures. Then a capture's part is at most what its
 * items name, where each of them names something, and never more than the capture.
 */
function wonBy(told: Dispute, { id, amount, currency }: DisputedCapture): bigint {
  const { status, disputed_transactions: transactions, dispute_amount: disputed, dispute_outcome: outcome } = told;
  if (status !== 'RESOLVED') return 0n;
  if (outcome === undefined) throw unavailable('a dispute that is resolved, and not how');
  if (outcomes[outcome.outcome_code] === 'seller') return 0n;
  const whole = unitsOf(outcome.amount_refunded ?? disputed, currency);
  if (transactions.length === 1) return min(whole, amount);
  const items = transactions.flatMap(({ seller_transaction_id: of, items: each }) => (of === id ? each : []));
  const named = items.flatMap(({ dispute_amount: of }) => (of === undefined ? [] : [unitsOf(of, currency)]));
  const isNamed = items.length > 0 && named.length === items.length;
  const part = isNamed ? named.reduce((sum, each) => sum + each, 0n) : amount;
  return min(min(whole, amount), part);
}

const min = (one: bigint, other: bigint): bigint => (one < other ? one : other);
