/**
 * Stripe, PayPal and Coinbase Commerce as they are on the wire, as far as we ask them, and able to lie: to take money and
 * not answer, or to answer with an error of their own or with something else. Shapes are those of their public API references.
 */
import { createHmac, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Fault = 'none' | 'do it and cut the answer' | 'do it and answer something else' | 'answer 500';
type Answer = { readonly status: number; readonly body: unknown };
type Asked = {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

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

export type Charge = {
  id: string;
  transactionId: string;
  timeline: { status: string }[];
  payments: object[];
  amount: string;
  currency: string;
};

/**
 * A payment of a charge, as Coinbase recorded it under the version 2018-03-22: of charges of before 2024, and of those of
 * today, whose `charge_kind` is WEB3.
 */
export const chargePayments = {
  legacy: (status: string, local: { amount: string; currency: string }) => ({
    payment_id: 'bf885807-f153-412f-b98a-12f65210b606',
    network: 'polygon',
    transaction_id: '0x7e4cf90b6c9b60d506f945a11d35fcc1645bc43cb21a0157316b956135f9e879',
    status: status.toUpperCase(),
    detected_at: '2024-02-23T05:44:13Z',
    value: { local, crypto: { amount: '0.721948243', currency: 'PMATIC' } },
    block: { height: 53_851_495, confirmations: 136, confirmations_required: 128 },
    payer_addresses: null,
  }),
  WEB3: (status: string, local: { amount: string; currency: string }) => ({
    payment_id: '0xa354ec3562872e895ffa9d33231a290d0180eb88ae9a9325ddc9e8eafe62ecb7',
    network: 'polygon',
    transaction_id: '0xa354ec3562872e895ffa9d33231a290d0180eb88ae9a9325ddc9e8eafe62ecb7',
    status: status.toLowerCase(),
    detected_at: '2024-02-02T23:30:53Z',
    value: { local, crypto: { amount: local.amount, currency: 'USDC' } },
    payer_addresses: ['0xe00a7135e073a0606aa6b5eb895e996ada364ddd'],
  }),
};

/** A payment is made. */
export const isOpening = ({ method, path }: Asked): boolean =>
  method === 'POST' && ['/v1/payment_intents', '/v2/checkout/orders', '/charges'].includes(path);

const webhookSecret = 'whsec_of_the_double';

export async function startProviderDouble() {
  const asked: Asked[] = [];
  const stripe = new Map<string, StripeIntent>();
  const stripeDisputes: ReturnType<typeof stripeDispute>[] = [];
  const paypalDisputes: ReturnType<typeof paypalDispute>[] = [];
  const paypal = new Map<string, PaypalOrder>();
  const charges = new Map<string, Charge>();
  const repeats = new Map<string, string>();
  const declinedCaptures = new Map<string, string>();
  const rolled = new Set<string>();
  let faults: (Fault | Answer)[] = [];
  let meeting: { readonly which: (request: Asked) => boolean; readonly come: (() => void)[] } | null = null;
  let isMet: (request: Asked) => boolean = () => false;
  let declines: string | null = null;

  /** What was made under the same key before is answered again. */
  function once(key: unknown, make: () => string): string {
    const known = repeats.get(String(key)) ?? make();
    repeats.set(String(key), known);
    return known;
  }

  function onStripe({ method, path, query, headers, body }: Asked): Answer {
    if (path === '/v1/disputes') return listed(stripeDisputes, query);
    const shown = ({ amount_refunded, disputed, ...intent }: StripeIntent) => ({
      object: 'payment_intent',
      ...intent,
      latest_charge: chargeOf({ ...intent, amount_refunded, disputed }, query.get('expand[0]') === 'latest_charge'),
      client_secret: `${intent.id}_secret_x`,
      cancellation_reason: intent.status === 'canceled' ? 'abandoned' : null,
    });
    if (method === 'POST' && path === '/v1/payment_intents') {
      if (declines !== null) return stripeError(402, 'card_error', declines);
      const fields = new URLSearchParams(body);
      const id = once(headers['idempotency-key'], () => {
        const made = `pi_${randomUUID()}`;
        const amount = Number(fields.get('amount'));
        const currency = fields.get('currency') ?? '';
        const metadata = { transaction_id: fields.get('metadata[transaction_id]') ?? '' };
        const status = 'requires_payment_method';
        const charge = { amount_refunded: 0, disputed: false };
        stripe.set(made, { id: made, status, amount, amount_received: 0, currency, metadata, ...charge });
        return made;
      });
      return { status: 200, body: shown(stripe.get(id)!) };
    }
    const found = stripe.get(path.slice('/v1/payment_intents/'.length));
    return found === undefined
      ? stripeError(404, 'invalid_request_error', 'No such payment_intent')
      : { status: 200, body: shown(found) };
  }

  function onPaypal({ method, path, query, headers, body }: Asked): Answer {
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
      const found = paypalDisputes.filter(({ disputed_transactions: of }) =>
        of.some(({ seller_transaction_id: id }) => id === captureId),
      );
      const summary = found.map(({ dispute_id, status, dispute_amount }) => ({ dispute_id, status, dispute_amount }));
      return { status: 200, body: { items: summary, links: [{ href: path, rel: 'self', method: 'GET' }] } };
    }
    if (path.startsWith('/v1/customer/disputes/')) {
      const found = paypalDisputes.find(({ dispute_id: id }) => path.endsWith(`/${id}`));
      return found === undefined ? noSuchPaypal : { status: 200, body: found };
    }
    if (path.startsWith('/v2/payments/captures/')) {
      const found = [...paypal.values()].find(({ id }) => path.endsWith(`/${paypalCaptureOf(id)}`));
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
      if (declines !== null) return { status: 422, body: { name: 'UNPROCESSABLE_ENTITY', message: declines } };
      const { purchase_units: units } = JSON.parse(body) as {
        purchase_units: { amount: { value: string; currency_code: string } }[];
      };
      const { value = '', currency_code: currency = '' } = units[0]?.amount ?? {};
      const id = once(headers['paypal-request-id'], () => {
        const made = `ORDER${randomUUID()}`;
        const none = { captures: 0, captureStatus: 'COMPLETED', badCards: 0, issue: 'INSTRUMENT_DECLINED' };
        paypal.set(made, { id: made, status: 'CREATED', value, currency, refunds: [], ...none });
        return made;
      });
      return { status: 201, body: shown(paypal.get(id)!) };
    }
    const [, id = '', capture] = /^\/v2\/checkout\/orders\/([^/]+)(\/capture)?$/.exec(path) ?? [];
    const order = paypal.get(id);
    if (order === undefined) return noSuchPaypal;
    const refused = capture === undefined ? null : captureRefusal(order, String(headers['paypal-request-id']));
    return refused === null ? { status: 200, body: shown(order) } : paypalRefusal(refused);
  }

  /** A repeat is answered as the first one was, also when the payer has chosen another card since. */
  function captureRefusal(order: PaypalOrder, requestId: string): string | null {
    if (repeats.has(requestId)) return null;
    if (!declinedCaptures.has(requestId)) {
      if (order.status === 'COMPLETED') return 'ORDER_ALREADY_CAPTURED';
      if (order.badCards === 0) {
        Object.assign(order, { status: 'COMPLETED', captures: order.captures + 1 });
        repeats.set(requestId, order.id);
        return null;
      }
      Object.assign(order, { status: 'PAYER_ACTION_REQUIRED', badCards: order.badCards - 1 });
      declinedCaptures.set(requestId, order.issue);
    }
    return declinedCaptures.get(requestId)!;
  }

  function onCoinbase({ method, path, body }: Asked): Answer {
    const shown = ({ id, transactionId, timeline, payments }: Charge) => ({
      id,
      code: id.slice(0, 8),
      hosted_url: `https://commerce.coinbase.com/charges/${id}`,
      metadata: { transaction_id: transactionId },
      timeline,
      payments,
    });
    if (method === 'POST' && path === '/charges') {
      if (declines !== null) return { status: 400, body: { error: { type: 'invalid_request', message: declines } } };
      const { metadata, local_price: price } = JSON.parse(body) as {
        metadata: { transaction_id: string };
        local_price: { amount: string; currency: string };
      };
      const id = randomUUID();
      charges.set(id, {
        id,
        transactionId: metadata.transaction_id,
        timeline: [{ status: 'NEW' }],
        payments: [],
        ...price,
      });
      return { status: 201, body: { data: shown(charges.get(id)!) } };
    }
    if (path === '/charges') return { status: 200, body: { data: [...charges.values()].toReversed().map(shown) } };
    const found = charges.get(path.slice('/charges/'.length));
    return found === undefined
      ? { status: 404, body: { error: { type: 'not_found', message: 'Not found' } } }
      : { status: 200, body: { data: shown(found) } };
  }

  /** Waits for the other one when two are to meet. */
  async function met(request: Asked): Promise<void> {
    if (meeting?.which(request) !== true) return;
    const { come } = meeting;
    await new Promise<void>((resolve) => {
      if (come.push(resolve) < 2) return;
      meeting = null;
      for (const go of come) go();
    });
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { pathname: path, searchParams: query } = new URL(req.url ?? '', 'http://double.invalid');
    const request = {
      method: req.method ?? '',
      path,
      query,
      headers: req.headers,
      body: Buffer.concat(chunks).toString(),
    };
    asked.push(request);
    await met(request);
    const now = isMet(request) ? (faults.shift() ?? 'none') : 'none';
    if (now === 'answer 500') return void res.writeHead(500, { 'content-type': 'application/json' }).end('{}');
    const isStripe = /^\/v1\/(payment_intents|disputes)\b/.test(path);
    const on = path.startsWith('/charges') ? onCoinbase : isStripe ? onStripe : onPaypal;
    const isRolled = [...rolled].some((credential) => credentialOf(req.headers).endsWith(credential));
    const answer = isRolled ? unauthorized : on(request);
    if (now === 'do it and cut the answer') return void res.destroy();
    const said =
      now === 'do it and answer something else' ? { ...answer, body: { message: 'Something else' } } : answer;
    const { status, body } = typeof now === 'object' ? now : said;
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  const server = createServer((req, res) => void handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    webhookSecret,
    asked,
    stripe,
    stripeDisputes,
    paypal,
    paypalDisputes,
    charges,
    /** An answer is given in the place of the right one, to what is done. For the next requests of that kind: the worker asks about other payments at any time. */
    failNext: (which: (request: Asked) => boolean, ...next: (Fault | Answer)[]) => {
      isMet = which;
      faults = next;
    },
    /** The next two requests of that kind are under way at once. */
    meetNext: (which: (request: Asked) => boolean) => (meeting = { which, come: [] }),
    decline: (reason: string | null) => (declines = reason),
    /** A key of an account is not taken any more, nor is what was given for it. */
    roll: (credential: string) => rolled.add(credential),
    stop: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
export type ProviderDouble = Awaited<ReturnType<typeof startProviderDouble>>;

const noSuchPaypal: Answer = {
  status: 404,
  body: { name: 'RESOURCE_NOT_FOUND', message: 'The specified resource does not exist.' },
};
/** To an app without the feature Disputes. */
export const paypalForbids: Answer = {
  status: 403,
  body: { name: 'NOT_AUTHORIZED', message: 'Authorization failed due to insufficient permissions.' },
};

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

const unauthorized: Answer = { status: 401, body: { error: { type: 'invalid_request', message: 'Not this key.' } } };

function credentialOf({ authorization = '', 'x-cc-api-key': apiKey }: IncomingMessage['headers']): string {
  const [, basic] = /^Basic (.*)$/.exec(authorization) ?? [];
  const decoded = basic === undefined ? authorization : Buffer.from(basic, 'base64').toString();
  return String(apiKey ?? decoded.split(/[ :]/).at(-1));
}

export function paypalRefusal(issue: string): Answer {
  const message = 'The requested action could not be performed, semantically incorrect, or failed business validation.';
  return { status: 422, body: { name: 'UNPROCESSABLE_ENTITY', message, details: [{ issue }] } };
}

function stripeError(status: number, type: string, message: string): Answer {
  return { status, body: { error: { type, message, code: 'card_declined' } } };
}

/** As Stripe signs: `t` and an HMAC of `t.body`. */
export function stripeSignature(body: string, secret = webhookSecret, at = Math.floor(Date.now() / 1_000)): string {
  return `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`;
}

export function coinbaseSignature(body: string, secret = webhookSecret): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}
