/** Stripe, as far as it is asked. Shapes are those of its public API reference. */
import { createHmac, randomUUID } from 'node:crypto';
import { onceByKey, webhookSecret, type Answer, type Asked, type Declines } from './double-wire';

export type StripeIntent = {
  id: string;
  status: string;
  amount: number;
  amount_received: number;
  currency: string;
  metadata: { transaction_id: string };
  /** Of its charge, which is there once money was received. */
  amount_refunded: number;
  disputed: boolean;
};

/** A dispute of Stripe, with the movements of the account's balance. */
export const stripeDispute = (
  reference: unknown,
  status: string,
  amount: number,
  moved: readonly number[],
  currency = 'usd',
) => ({
  id: `du_${randomUUID()}`,
  object: 'dispute',
  amount,
  currency: 'usd',
  charge: 'ch_1NirD82eZvKYlo2CIvbtLWuY',
  payment_intent: reference,
  status,
  reason: 'fraudulent',
  is_charge_refundable: false,
  balance_transactions: moved.map((units) => ({
    id: `txn_${randomUUID()}`,
    object: 'balance_transaction',
    amount: units,
    currency,
    fee: 1_500,
    net: units - 1_500,
    reporting_category: units < 0 ? 'dispute' : 'dispute_reversal',
    type: 'adjustment',
  })),
});

export function stripeDouble(declines: Declines) {
  const intents = new Map<string, StripeIntent>();
  const disputes: ReturnType<typeof stripeDispute>[] = [];
  const { once } = onceByKey();
  /** Keys under which Stripe failed. It says the same again under each, as of any answer. */
  const failed = new Set<unknown>();

  function fail({ method, headers }: Asked): Answer {
    if (method === 'POST') failed.add(headers['idempotency-key']);
    return { status: 500, body: { error: { type: 'api_error', message: 'An unknown error occurred.' } } };
  }

  function answer({ method, path, query, headers, body }: Asked): Answer {
    if (path === '/v1/disputes') return listed(disputes, query);
    const shown = ({ amount_refunded, disputed, ...intent }: StripeIntent) => ({
      object: 'payment_intent',
      ...intent,
      latest_charge: chargeOf({ ...intent, amount_refunded, disputed }, query.get('expand[0]') === 'latest_charge'),
      client_secret: `${intent.id}_secret_x`,
      cancellation_reason: intent.status === 'canceled' ? 'abandoned' : null,
    });
    if (method === 'POST' && path === '/v1/payment_intents') {
      if (failed.has(headers['idempotency-key']))
        return { ...fail({ method, path, query, headers, body }), headers: { 'idempotent-replayed': 'true' } };
      const declined = declines();
      if (declined !== null) return stripeError(402, 'card_error', declined);
      const fields = new URLSearchParams(body);
      const id = once(headers['idempotency-key'], () => {
        const made = `pi_${randomUUID()}`;
        const amount = Number(fields.get('amount'));
        const currency = fields.get('currency') ?? '';
        const metadata = { transaction_id: fields.get('metadata[transaction_id]') ?? '' };
        const status = 'requires_payment_method';
        const charge = { amount_refunded: 0, disputed: false };
        intents.set(made, { id: made, status, amount, amount_received: 0, currency, metadata, ...charge });
        return made;
      });
      return { status: 200, body: shown(intents.get(id)!) };
    }
    const found = intents.get(path.slice('/v1/payment_intents/'.length));
    return found === undefined
      ? stripeError(404, 'invalid_request_error', 'No such payment_intent')
      : { status: 200, body: shown(found) };
  }

  return { intents, disputes, answer, fail };
}

/** Of a payment that was taken; as a whole only where that is asked for. */
function chargeOf({ id, amount_received: amount, currency, ...charge }: StripeIntent, isExpanded: boolean) {
  if (amount === 0) return null;
  const chargeId = `ch_of_${id}`;
  if (!isExpanded) return chargeId;
  const { amount_refunded, disputed } = charge;
  return { id: chargeId, object: 'charge', payment_intent: id, currency, amount, amount_refunded, disputed };
}

/** Pages of two, however many are asked for. */
function listed(
  all: readonly { readonly id: string; readonly payment_intent: unknown }[],
  query: URLSearchParams,
): Answer {
  const of = all.filter(({ payment_intent: each }) => each === query.get('payment_intent'));
  const from = of.findIndex(({ id }) => id === query.get('starting_after')) + 1;
  const data = of.slice(from, from + 2);
  return { status: 200, body: { object: 'list', url: '/v1/disputes', has_more: of.length > from + 2, data } };
}

function stripeError(status: number, type: string, message: string): Answer {
  return { status, body: { error: { type, message, code: 'card_declined' } } };
}

/** As Stripe signs: `t` and an HMAC of `t.body`. */
export function stripeSignature(body: string, secret = webhookSecret, at = Math.floor(Date.now() / 1_000)): string {
  return `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`;
}
