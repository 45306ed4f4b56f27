/** PayPal, as far as it is asked. Shapes are those of its public API reference. */
import { randomUUID } from 'node:crypto';
import { credentialOf, onceByKey, webhookSecret, type Answer, type Asked, type Declines } from './double-wire';

/** A refund at PayPal changes the status of the capture, and not its amount. */
export type PaypalOrder = {
  id: string;
  status: string;
  value: string;
  currency: string;
  captures: number;
  captureStatus: string;
  /** Why the capture is pending or declined. */
  captureReason?: string;
  refunds: object[];
  /** How many of the payer's next cards are declined. */
  badCards: number;
  /** What a capture with such a card is refused as. */
  issue: string;
};
/** Also what PayPal reverses is one, with a note that says so. */
export const paypalRefund = (status: string, value: string, currency = 'USD') => ({
  id: randomUUID().slice(0, 17).toUpperCase(),
  status,
  amount: { currency_code: currency, value },
  seller_payable_breakdown: { gross_amount: { currency_code: currency, value } },
  create_time: '2026-03-02T09:00:00-08:00',
});
/** A transaction that is disputed, with what of each of its items is, where PayPal tells the items. */
export const paypalDisputed = (captureId: string, ...items: readonly (string | undefined)[]) => ({
  buyer_transaction_id: '3BC38643YC807283D',
  seller_transaction_id: captureId,
  transaction_status: 'COMPLETED',
  items: items.map((value, at) => ({
    item_id: `item-${at}`,
    ...(value === undefined ? {} : { dispute_amount: { currency_code: 'USD', value } }),
  })),
});
/** `of`: the one capture that is disputed, or all of them. */
export const paypalDispute = (
  of: string | readonly ReturnType<typeof paypalDisputed>[],
  status: string,
  outcome: object | undefined,
  value = '100.50',
) => ({
  dispute_id: `PP-R-${randomUUID()}`,
  create_time: '2026-03-02T09:00:00.000Z',
  disputed_transactions: typeof of === 'string' ? [paypalDisputed(of)] : of,
  reason: 'UNAUTHORISED',
  status,
  dispute_amount: { currency_code: 'USD', value },
  dispute_life_cycle_stage: 'CHARGEBACK',
  dispute_channel: 'INTERNAL',
  ...(outcome === undefined ? {} : { dispute_outcome: outcome }),
});
export const paypalCaptureOf = (reference: string) => `CAPTURE-${reference}`;

export function paypalDouble(declines: Declines) {
  const orders = new Map<string, PaypalOrder>();
  const disputes: ReturnType<typeof paypalDispute>[] = [];
  const declinedCaptures = new Map<string, string>();
  const { made, once } = onceByKey();

  function answer({ method, path, query, headers, body }: Asked): Answer {
    const captured = ({ id, captureStatus: status, captureReason: reason, currency, value }: PaypalOrder) => ({
      id: paypalCaptureOf(id),
      status,
      ...(reason === undefined ? {} : { status_details: { reason } }),
      amount: { currency_code: currency, value },
    });
    const shown = ({ id, status, captures, refunds, ...order }: PaypalOrder) => ({
      id,
      status,
      links: [{ href: `https://www.sandbox.paypal.com/checkoutnow?token=${id}`, rel: 'approve', method: 'GET' }],
      purchase_units: [
        captures === 0
          ? {}
          : {
              payments: {
                captures: [captured({ id, status, captures, refunds, ...order })],
                ...(refunds.length === 0 ? {} : { refunds }),
              },
            },
      ],
    });
    if (path === '/v1/customer/disputes') {
      const captureId = query.get('disputed_transaction_id') ?? '';
      const found = disputes.filter(({ disputed_transactions: of }) =>
        of.some(({ seller_transaction_id: id }) => id === captureId),
      );
      const summary = found.map(({ dispute_id, status, dispute_amount }) => ({ dispute_id, status, dispute_amount }));
      return { status: 200, body: { items: summary, links: [{ href: path, rel: 'self', method: 'GET' }] } };
    }
    if (path.startsWith('/v1/customer/disputes/')) {
      const found = disputes.find(({ dispute_id: id }) => path.endsWith(`/${id}`));
      return found === undefined ? noSuchPaypal : { status: 200, body: found };
    }
    if (path.startsWith('/v2/payments/captures/')) {
      const found = [...orders.values()].find(({ id }) => path.endsWith(`/${paypalCaptureOf(id)}`));
      if (found === undefined) return noSuchPaypal;
      const supplementary = { supplementary_data: { related_ids: { order_id: found.id } } };
      return { status: 200, body: { ...captured(found), ...supplementary } };
    }
    if (path === '/v1/oauth2/token')
      return { status: 200, body: { access_token: `token-of-${credentialOf(headers)}`, expires_in: 32400 } };
    if (path === '/v1/notifications/verify-webhook-signature') {
      const { transmission_sig: signed, webhook_id: id } = JSON.parse(body) as Record<string, unknown>;
      const right = signed === webhookSecret || signed === `over ${String(id)}`;
      return { status: 200, body: { verification_status: right ? 'SUCCESS' : 'FAILURE' } };
    }
    if (method === 'POST' && path === '/v2/checkout/orders') {
      const declined = declines();
      if (declined !== null) return { status: 422, body: { name: 'UNPROCESSABLE_ENTITY', message: declined } };
      const { purchase_units: units } = JSON.parse(body) as {
        purchase_units: { amount: { value: string; currency_code: string } }[];
      };
      const { value = '', currency_code: currency = '' } = units[0]?.amount ?? {};
      const id = once(headers['paypal-request-id'], () => {
        const made = `ORDER${randomUUID()}`;
        const none = { captures: 0, captureStatus: 'COMPLETED', badCards: 0, issue: 'INSTRUMENT_DECLINED' };
        orders.set(made, { id: made, status: 'CREATED', value, currency, refunds: [], ...none });
        return made;
      });
      return { status: 201, body: shown(orders.get(id)!) };
    }
    const [, id = '', capture] = /^\/v2\/checkout\/orders\/([^/]+)(\/capture)?$/.exec(path) ?? [];
    const order = orders.get(id);
    if (order === undefined) return noSuchPaypal;
    const refused = capture === undefined ? null : captureRefusal(order, String(headers['paypal-request-id']));
    return refused === null ? { status: 200, body: shown(order) } : paypalRefusal(refused);
  }

  /** A repeat is answered as the first one was, also when the payer has chosen another card since. */
  function captureRefusal(order: PaypalOrder, requestId: string): string | null {
    if (made.has(requestId)) return null;
    if (!declinedCaptures.has(requestId)) {
      if (order.status === 'COMPLETED') return 'ORDER_ALREADY_CAPTURED';
      if (order.badCards === 0) {
        Object.assign(order, { status: 'COMPLETED', captures: order.captures + 1 });
        made.set(requestId, order.id);
        return null;
      }
      Object.assign(order, { status: 'PAYER_ACTION_REQUIRED', badCards: order.badCards - 1 });
      declinedCaptures.set(requestId, order.issue);
    }
    return declinedCaptures.get(requestId)!;
  }

  return { orders, disputes, answer };
}

const noSuchPaypal: Answer = {
  status: 404,
  body: { name: 'RESOURCE_NOT_FOUND', message: 'The specified resource does not exist.' },
};
/** To an app without the feature Disputes. */
export const paypalForbids: Answer = {
  status: 403,
  body: { name: 'NOT_AUTHORIZED', message: 'Authorization failed due to insufficient permissions.' },
};

export function paypalRefusal(issue: string): Answer {
  const message = 'The requested action could not be performed, semantically incorrect, or failed business validation.';
  return { status: 422, body: { name: 'UNPROCESSABLE_ENTITY', message, details: [{ issue }] } };
}
