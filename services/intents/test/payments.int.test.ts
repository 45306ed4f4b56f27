import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  addGateway,
  createPayment,
  getPayment,
  getPayments,
  listExceptions,
  listPayments,
  paymentStatusChanged,
  providerPaymentReceived,
  providerPaymentReturned,
  receiveProviderWebhook,
  replaceGatewaySettings,
  resolveException,
  setGatewayEnabled,
  simulatePayment,
  simulateReturn,
  transactionPosted,
  type CallRequest,
  type ProviderSettings,
} from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { callClient } from '@daybook/http';
import { messageOf, readMessage } from '@daybook/messaging';
import { Secret, uuidFrom } from '@daybook/runtime';
import { eventually, fakeClock, testDatabase, testLogger, testTransport } from '@daybook/testing';
import { createService, loadConfig } from '../src';
import { chargePayments, coinbaseSignature } from './coinbase-double';
import { paypalCaptureOf, paypalDispute, paypalRefund } from './paypal-double';
import { isOpening, startProviderDouble, type ProviderDouble } from './provider-double';
import { stripeDispute, stripeSignature } from './stripe-double';
import type { z } from 'zod';

const tenantId = '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11';
const token = 'internal-token-of-the-payments-tests-only';
const now = fakeClock('2026-03-01T10:00:00.000Z');
type Received = { transactionId: string; amount: bigint };
type Moved = z.output<typeof providerPaymentReturned.data>;

/** The service, the providers on the wire, and a ledger that books whatever a provider took, told of it twice. */
async function paymentsRig(providers: ProviderDouble) {
  const database = await testDatabase();
  const { logger, lines } = testLogger();
  const transport = testTransport(database.url, logger);
  await transport.start();
  const fatal: unknown[] = [];
  const settings = {
    DATABASE_URL: database.url,
    INTERNAL_TOKEN: token,
    CHAIN_WATCHER_URL: 'http://127.0.0.1:1',
    SECRETS_KEY: randomBytes(32).toString('base64'),
    PERSONAL_DATA_KEY: randomBytes(32).toString('base64'),
    STRIPE_URL: providers.url,
    PAYPAL_URL: providers.url,
    PAYPAL_SANDBOX_URL: providers.url,
    COINBASE_URL: providers.url,
  };
  const running: { stop(): Promise<void> }[] = [];
  /** A process of the service. */
  const run = async (keys: object = {}) => {
    const config = loadConfig({ ...settings, ...keys });
    const service = createService(config, { transport, logger, now, onFatal: (error) => fatal.push(error) });
    const { url } = await service.start();
    const client = callClient({ baseUrl: url, token: new Secret(token) });
    running.push(client, service);
    return client;
  };
  const call = await run();
  const received: Received[] = [];
  const moved: Moved[] = [];
  const ledger = await transport.consume({
    group: 'test.ledger',
    topic: providerPaymentReceived.topic,
    startAt: async () => 0n,
    handle: async (messages) => {
      for (const raw of messages) {
        const known = [providerPaymentReceived, providerPaymentReturned, paymentStatusChanged];
        const { message } = readMessage(known, raw.value);
        if (message.type === 'ProviderPaymentReturned') moved.push(message.data as Moved);
        if (message.type !== 'ProviderPaymentReceived') continue;
        const { transactionId, amount } = message.data as Received;
        received.push({ transactionId, amount });
        await transport.publish(['once', 'again'].map((part) => booked(transactionId, part)));
      }
    },
  });
  return {
    call,
    /** Processes beside it while the key of secrets is replaced, and one when the former key has been taken away. */
    async rotate() {
      const [former, next] = [settings.SECRETS_KEY, randomBytes(32).toString('base64')];
      return {
        former,
        before: await run({ SECRETS_KEYS_OLD: next }),
        after: await run({ SECRETS_KEY: next, SECRETS_KEYS_OLD: former }),
        without: await run({ SECRETS_KEY: next }),
      };
    },
    received,
    moved,
    events: () => database.pool('intents').query<{ payload: Buffer }>('select payload from events'),
    sql: (text: string, values: unknown[] = []) => database.pool('intents').query(text, values),
    close: async () => {
      for (const part of running) await part.stop();
      await ledger.stop();
      await transport.stop();
      await database.drop();
      expect(fatal).toEqual([]);
      // Of a key that is another one, the call says so; nothing else is an error.
      const errors = lines.filter(
        ({ level, msg }) => level === 'fatal' || (level === 'error' && msg !== 'request failed'),
      );
      expect(errors).toEqual([]);
    },
  };
}

function booked(transactionId: string, part: string) {
  const id = uuidFrom(['test', transactionId, part]);
  const source = {
    id,
    stream: 'test',
    revision: 0n,
    recordedAt: now(),
    metadata: { correlationId: id, causationId: id },
  };
  const posted = {
    transactionId,
    mode: 'sandbox' as const,
    tenantId,
    cause: { type: 'provider_payment' as const, id: transactionId, subject: transactionId },
    rule: 'provider-payment@1',
    entries: [],
    ledgerReference: `0x${'0'.repeat(64)}`,
    sequence: 0,
    postedAt: now().toISOString(),
  };
  return messageOf(transactionPosted, posted, source as unknown as StoredEvent);
}

let providers: ProviderDouble;
let rig: Awaited<ReturnType<typeof paymentsRig>>;
beforeAll(async () => {
  providers = await startProviderDouble();
  rig = await paymentsRig(providers);
});
afterAll(async () => {
  await rig?.close();
  await providers?.stop();
});

const owner = { tenantId, mode: 'sandbox' } as const;
const secret = 'whsec_of_the_double';
const settings: Readonly<Record<'stripe' | 'paypal' | 'coinbase', ProviderSettings>> = {
  stripe: { provider: 'stripe', secretKey: 'sk_canary_stripe', webhookSecret: secret },
  paypal: {
    provider: 'paypal',
    clientId: 'id',
    clientSecret: 'canary_paypal',
    webhookId: 'WH-1',
    environment: 'sandbox',
  },
  coinbase: { provider: 'coinbase', apiKey: 'canary_coinbase', webhookSecret: secret },
};
/** Of an account before its key was rolled, and its webhook secret. */
const formerSettings: typeof settings = {
  stripe: { provider: 'stripe', secretKey: 'sk_canary_rolled', webhookSecret: 'whsec_rolled' },
  paypal: {
    provider: 'paypal',
    clientId: 'id',
    clientSecret: 'canary_paypal_rolled',
    webhookId: 'WH-ROLLED',
    environment: 'sandbox',
  },
  coinbase: { provider: 'coinbase', apiKey: 'canary_coinbase_rolled', webhookSecret: 'whsec_rolled' },
};
const rolledKeys = { stripe: 'sk_canary_rolled', paypal: 'canary_paypal_rolled', coinbase: 'canary_coinbase_rolled' };
type Name = keyof typeof settings;
const names = Object.keys(settings) as Name[];

async function gatewayOf(given: ProviderSettings, name: string = given.provider) {
  const outcome = await rig.call(addGateway, { ...owner, name, currencies: ['USD', 'EUR'], settings: given });
  if (!outcome.ok) throw new Error(outcome.rejection);
  return outcome.value.gateway;
}

async function create(gatewayNumber: number, more: Partial<CallRequest<typeof createPayment>> = {}) {
  return rig.call(createPayment, {
    ...owner,
    gatewayNumber,
    currency: 'USD',
    amount: 10_050n,
    description: 'Canary words',
    metadata: { customer_name: 'Canary Doe' },
    userNumber: 7,
    idempotencyKey: randomUUID(),
    ...more,
  });
}

async function created(...given: Parameters<typeof create>) {
  const outcome = await create(...given);
  if (!outcome.ok) throw new Error(outcome.rejection);
  return outcome.value;
}

const paymentOf = async (transactionId: string) => {
  const outcome = await rig.call(getPayment, { ...owner, transactionId });
  if (!outcome.ok) throw new Error(outcome.rejection);
  return outcome.value.payment;
};
const becomes = (transactionId: string, expected: object) =>
  eventually(async () => expect(await paymentOf(transactionId)).toMatchObject(expected), { timeoutMs: 15_000 });
/** A list shows all that was recorded before it was asked for; the rows of its page are as new as that. */
const catchUp = () => rig.call(listPayments, { ...owner, status: null, from: null, to: null, limit: 0 });
const listed = async (transactionId: string) => {
  await catchUp();
  const outcome = await rig.call(getPayments, { ...owner, transactionIds: [transactionId] });
  return outcome.ok ? outcome.value.payments : [];
};
/** What was posted of what went back. */
const movedOf = (transactionId: string) =>
  rig.moved
    .filter((each) => each.transactionId === transactionId)
    .map(({ change, direction, amount }) => [change, direction, amount]);
const creditsOf = (transactionId: string) => rig.received.filter((each) => each.transactionId === transactionId);

/** The payer pays at the provider. */
function pay(name: Name, reference: string): void {
  if (name === 'stripe') {
    const intent = providers.stripe.get(reference)!;
    Object.assign(intent, { status: 'succeeded', amount_received: intent.amount });
  } else if (name === 'paypal') providers.paypal.get(reference)!.status = 'APPROVED';
  else {
    const charge = providers.charges.get(reference)!;
    charge.timeline.push({ status: 'SIGNED' }, { status: 'PENDING' }, { status: 'COMPLETED' });
    const { amount, currency } = charge;
    charge.payments.push(chargePayments.WEB3('confirmed', { amount, currency }));
  }
}

type Notice = { headers: Record<string, string>; body: string };

function noticeOf(name: Name, reference: string, eventId: string, signedWith = secret): Notice {
  if (name === 'stripe') {
    const body = JSON.stringify({
      id: eventId,
      object: 'event',
      type: 'payment_intent.succeeded',
      data: { object: { object: 'payment_intent', id: reference, status: 'succeeded' } },
    });
    return { headers: { 'stripe-signature': stripeSignature(body, signedWith) }, body };
  }
  if (name === 'coinbase') {
    const body = JSON.stringify({ id: 1, event: { id: eventId, type: 'charge:confirmed', data: { id: reference } } });
    return { headers: { 'x-cc-webhook-signature': coinbaseSignature(body, signedWith) }, body };
  }
  const related = { supplementary_data: { related_ids: { order_id: reference } } };
  const body = JSON.stringify({
    id: eventId,
    event_type: 'CHECKOUT.ORDER.APPROVED',
    resource: { id: 'x', ...related },
  });
  const headers = {
    'paypal-auth-algo': 'SHA256withRSA',
    'paypal-cert-url': 'https://api.paypal.com/cert',
    'paypal-transmission-id': eventId,
    'paypal-transmission-sig': signedWith,
    'paypal-transmission-time': '2026-03-01T10:00:00Z',
  };
  return { headers, body };
}

const tell = (gatewayId: string, notice: Notice) => rig.call(receiveProviderWebhook, { gatewayId, ...notice });

describe.each(names)('a payment through %s', (name) => {
  const gateway = () => gatewayOf(settings[name]);

  test('opens with the fields of the provider, and is booked once when the payer has paid', async () => {
    const { number, gatewayId } = await gateway();
    const { payment, session, replayed } = await created(number);
    expect({ replayed, status: payment.status }).toEqual({ replayed: false, status: 'pending' });
    const fields = {
      stripe: ['client_secret', 'payment_intent_id'],
      paypal: ['approval_url', 'paypal_order_id'],
      coinbase: ['charge_id', 'hosted_url'],
    };
    expect(Object.keys(session ?? {}).sort()).toEqual(fields[name]);
    const reference = payment.providerReference ?? '';
    pay(name, reference);
    expect(await tell(gatewayId, noticeOf(name, reference, randomUUID()))).toEqual({ ok: true, value: {} });
    await becomes(payment.transactionId, { status: 'completed', amountReceived: 10_050n, exceptions: [] });
    expect(creditsOf(payment.transactionId)).toEqual([{ transactionId: payment.transactionId, amount: 10_050n }]);
  });

  test('webhooks in any order and three times each lead to one credit', async () => {
    const { number, gatewayId } = await gateway();
    const { payment } = await created(number);
    const reference = payment.providerReference ?? '';
    const early = noticeOf(name, reference, randomUUID());
    await tell(gatewayId, early);
    expect((await paymentOf(payment.transactionId)).status).not.toBe('completed');
    pay(name, reference);
    const notices = Array.from({ length: 3 }, () => noticeOf(name, reference, randomUUID()));
    const shuffled = [...notices, early, ...notices.toReversed(), ...notices];
    await Promise.all(shuffled.map((notice) => tell(gatewayId, notice)));
    await becomes(payment.transactionId, { status: 'completed' });
    expect(creditsOf(payment.transactionId)).toHaveLength(1);
  });

  test('a forged webhook is refused, and one about nothing of ours changes nothing', async () => {
    const { number, gatewayId } = await gateway();
    const { payment } = await created(number);
    const reference = payment.providerReference ?? '';
    const before = providers.asked.length;
    const forged = noticeOf(name, reference, randomUUID(), 'whsec_of_somebody_else');
    expect(await tell(gatewayId, forged)).toEqual({ ok: false, rejection: 'signature_invalid' });
    expect(await tell(gatewayId, { ...forged, headers: {} })).toEqual({ ok: false, rejection: 'signature_invalid' });
    expect(providers.asked.slice(before).filter(({ path }) => path.includes(reference))).toEqual([]);
    expect(await tell(gatewayId, noticeOf(name, 'unknown', randomUUID()))).toEqual({ ok: true, value: {} });
    expect(await tell(randomUUID(), forged)).toEqual({ ok: false, rejection: 'gateway_not_found' });
    expect((await paymentOf(payment.transactionId)).status).toBe('pending');
  });

  test('a refusal of the provider ends the payment, with its reason', async () => {
    const { number } = await gateway();
    providers.decline('Your card was declined.');
    const { payment, session } = await created(number).finally(() => providers.decline(null));
    expect(session).toBeNull();
    expect(payment).toMatchObject({ status: 'failed', failure: 'Your card was declined.' });
  });

  test.each(['do it and cut the answer', 'do it and answer something else', 'answer 500'] as const)(
    'when opening meets "%s", the payment is pending, and the worker opens it once',
    async (fault) => {
      const { number } = await gateway();
      // Stripe's library asks once more by itself when a connection was closed.
      providers.failNext(isOpening, fault, ...(name === 'stripe' && fault.includes('cut') ? [fault] : []));
      const idempotencyKey = randomUUID();
      const { payment, session } = await created(number, { idempotencyKey });
      expect(session).toBeNull();
      expect(payment).toMatchObject({ status: 'pending', providerReference: null });
      now.advance(16_000);
      await becomes(payment.transactionId, { providerReference: expect.any(String) });
      const again = await created(number, { idempotencyKey });
      expect(again).toMatchObject({ replayed: true, session: expect.any(Object) });
      const made = {
        stripe: () => [...providers.stripe.keys()],
        paypal: () => [...providers.paypal.keys()],
        coinbase: () => [...providers.charges.values()].filter((each) => each.transactionId === payment.transactionId),
      };
      if (name === 'coinbase') expect(made.coinbase()).toHaveLength(1);
      else expect(made[name]()).toContain(again.payment.providerReference);
    },
  );

  test('opened before the key of the account was rolled, is asked about with the one that replaces it, and credited once', async () => {
    const { number, gatewayId } = await gatewayOf(formerSettings[name], `rolled ${name}`);
    const [first, second] = [await created(number), await created(number)].map(({ payment }) => ({
      ...payment,
      reference: payment.providerReference ?? '',
    }));
    const formerSecret = name === 'paypal' ? 'over WH-ROLLED' : 'whsec_rolled';
    const formerly = (reference: string) => noticeOf(name, reference, randomUUID(), formerSecret);
    const refused = { ok: false, rejection: 'signature_invalid' };
    const took = { ok: true, value: {} };

    providers.roll(rolledKeys[name]);
    pay(name, first!.reference);
    await expect(tell(gatewayId, formerly(first!.reference))).rejects.toThrow('upstream_unavailable');
    expect(await paymentOf(first!.transactionId)).toMatchObject({ status: 'pending' });
    const asked = { number, settings: settings[name], replacementId: 'rolled', overlapHours: 24 };
    const replaced = await rig.call(replaceGatewaySettings, { ...owner, ...asked });
    expect(replaced).toMatchObject({ ok: true, value: { gateway: { gatewayId, number } } });
    expect(await tell(gatewayId, formerly(first!.reference))).toEqual(took);
    await becomes(first!.transactionId, { status: 'completed', amountReceived: 10_050n, exceptions: [] });

    pay(name, second!.reference);
    expect(await tell(gatewayId, noticeOf(name, second!.reference, randomUUID()))).toEqual(took);
    await becomes(second!.transactionId, { status: 'completed' });
    now.advance(24 * 3_600_000 - 1);
    expect(await tell(gatewayId, formerly(first!.reference))).toEqual(took);
    now.advance(1);
    expect(await tell(gatewayId, formerly(first!.reference))).toEqual(refused);
    expect(await tell(gatewayId, noticeOf(name, first!.reference, randomUUID()))).toEqual(took);
    for (const { transactionId } of [first!, second!])
      expect(creditsOf(transactionId)).toEqual([{ transactionId, amount: 10_050n }]);
  });

  test('when the answer is lost after the money was taken, it is found and credited once', async () => {
    const { number, gatewayId } = await gateway();
    const { payment } = await created(number);
    const reference = payment.providerReference ?? '';
    pay(name, reference);
    const notice = noticeOf(name, reference, randomUUID());
    // PayPal takes the money by the capture.
    const isAnswerOf = ({ path }: { readonly path: string }) =>
      path.endsWith(name === 'paypal' ? `${reference}/capture` : reference);
    providers.failNext(isAnswerOf, 'do it and cut the answer');
    await tell(gatewayId, notice).catch(() => undefined);
    now.advance(3_600_000);
    await becomes(payment.transactionId, { status: 'completed' });
    expect(creditsOf(payment.transactionId)).toHaveLength(1);
    if (name === 'paypal') expect(providers.paypal.get(reference)?.captures).toBe(1);
  });
});

describe.each(['stripe', 'paypal'] as const)('what goes back of a payment through %s', (name) => {
  /** What its provider says of it from now on, in minor units. */
  function goBack(reference: string, refunded: number, lost: number): void {
    const decimals = (units: number) => (units / 100).toFixed(2);
    if (name === 'stripe') {
      Object.assign(providers.stripe.get(reference)!, { amount_refunded: refunded, disputed: true });
      const known = providers.stripeDisputes.find(({ payment_intent: of }) => of === reference);
      const status = lost > 0 ? 'lost' : 'won';
      const dispute = stripeDispute(reference, status, lost, lost > 0 ? [-lost] : [-3_000, 3_000]);
      if (known === undefined) providers.stripeDisputes.push(dispute);
      else Object.assign(known, { ...dispute, id: known.id });
      return;
    }
    const captureId = paypalCaptureOf(reference);
    const outcome = { outcome_code: lost > 0 ? 'RESOLVED_BUYER_FAVOUR' : 'RESOLVED_SELLER_FAVOUR' };
    const dispute = paypalDispute(captureId, 'RESOLVED', outcome, decimals(lost));
    const known = providers.paypalDisputes.find(
      ({ disputed_transactions: [of] }) => of?.seller_transaction_id === captureId,
    );
    if (known === undefined) providers.paypalDisputes.push(dispute);
    else Object.assign(known, { ...dispute, dispute_id: known.dispute_id });
    // A reversal is shown as one more refund.
    const refunds = [refunded, lost]
      .filter((units) => units > 0)
      .map((units) => paypalRefund('COMPLETED', decimals(units)));
    Object.assign(providers.paypal.get(reference)!, { captureStatus: 'PARTIALLY_REFUNDED', refunds });
  }

  async function completed() {
    const { number, gatewayId } = await gatewayOf(settings[name]);
    const { payment } = await created(number);
    const reference = payment.providerReference ?? '';
    pay(name, reference);
    const notify = () => tell(gatewayId, noticeOf(name, reference, randomUUID()));
    await notify();
    await becomes(payment.transactionId, { status: 'completed', amountReceived: 10_050n });
    return { transactionId: payment.transactionId, reference, notify };
  }

  test('is posted once, however often it is told, also when no webhook told it', async () => {
    const { transactionId, reference, notify } = await completed();
    goBack(reference, 4_000, 0);
    await Promise.all([1, 2, 3].map(notify));
    await becomes(transactionId, { status: 'completed', returned: { refunded: 4_000n, chargedBack: 0n } });
    goBack(reference, 4_001, 0);
    now.advance(2 * 86_400_000);
    await becomes(transactionId, { returned: { refunded: 4_001n, chargedBack: 0n } });
    goBack(reference, 10_050, 0);
    await notify();
    await becomes(transactionId, { status: 'refunded', exceptions: [] });
    await eventually(() => expect(movedOf(transactionId)).toHaveLength(3), { timeoutMs: 15_000 });
    expect(movedOf(transactionId)).toEqual([
      [1, 'returned', 4_000n],
      [2, 'returned', 1n],
      [3, 'returned', 6_049n],
    ]);
    expect(creditsOf(transactionId)).toHaveLength(1);
    const { rows } = await rig.sql('select type from events where stream = $1 order by revision', [
      `payment-${transactionId}`,
    ]);
    expect(rows.filter(({ type }) => type === 'PaymentReturned')).toHaveLength(3);
  });

  test('in a dispute is an exception, again when more is lost, and comes again when it is won', async () => {
    const { transactionId, reference, notify } = await completed();
    const any = { tenantId: null, place: null, asset: null, cursor: null, limit: 100, mode: 'sandbox' } as const;
    const isOpen = async () => {
      const listed = await rig.call(listExceptions, {
        ...any,
        kind: 'payment',
        status: 'open',
        reason: 'disputed',
      });
      return listed.ok && listed.value.exceptions.some(({ exceptionId }) => exceptionId === transactionId);
    };
    const told = async (refunded: number, lost: number) => {
      goBack(reference, refunded, lost);
      await notify();
      const returned = { refunded: BigInt(refunded), chargedBack: BigInt(lost) };
      await becomes(transactionId, { status: 'completed', returned, exceptions: ['disputed'] });
      return isOpen();
    };
    expect(await told(1_000, 3_000)).toBe(true);
    const dismissal = { mode: 'sandbox', exceptionId: transactionId, actor: 'key_ops', action: 'dismiss' } as const;
    expect(await rig.call(resolveException, dismissal)).toMatchObject({ ok: true });
    expect(await told(1_001, 3_000)).toBe(false);
    expect(await told(1_001, 3_001)).toBe(true);
    await rig.call(resolveException, dismissal);
    expect(await told(1_001, 0)).toBe(false);
    await eventually(() => expect(movedOf(transactionId)).toHaveLength(4), { timeoutMs: 15_000 });
    expect(movedOf(transactionId)).toEqual([
      [1, 'returned', 4_000n],
      [2, 'returned', 1n],
      [3, 'returned', 1n],
      [4, 'reinstated', 3_001n],
    ]);
  });
});

describe('payments', () => {
  test('a repeat gives the first answer, also twenty at once; other content under the key is refused', async () => {
    const { number } = await gatewayOf(settings.stripe);
    const idempotencyKey = randomUUID();
    const all = await Promise.all(Array.from({ length: 20 }, () => created(number, { idempotencyKey })));
    expect(new Set(all.map(({ payment }) => payment.transactionId)).size).toBe(1);
    expect(all.filter(({ replayed }) => !replayed)).toHaveLength(1);
    const [first] = all;
    expect(await created(number, { idempotencyKey })).toEqual({
      ...first,
      payment: expect.any(Object),
      replayed: true,
    });
    for (const other of [{ amount: 10_051n }, { currency: 'EUR' as const }, { description: 'x' }, { metadata: {} }])
      expect(await create(number, { idempotencyKey, ...other })).toEqual({
        ok: false,
        rejection: 'idempotency_key_reused',
      });
  });

  test('the amount that the provider took is credited, and another than asked for is an exception', async () => {
    const { number, gatewayId } = await gatewayOf(settings.stripe);
    const { payment } = await created(number);
    const reference = payment.providerReference ?? '';
    Object.assign(providers.stripe.get(reference)!, { status: 'succeeded', amount_received: 10_000 });
    await tell(gatewayId, noticeOf('stripe', reference, randomUUID()));
    await becomes(payment.transactionId, { amountReceived: 10_000n, exceptions: ['amount_differs'] });
    await becomes(payment.transactionId, { status: 'completed' });
    expect(creditsOf(payment.transactionId)).toEqual([{ transactionId: payment.transactionId, amount: 10_000n }]);
  });

  test('money that comes after a failure is found without a webhook, and is an exception', async () => {
    const { number } = await gatewayOf(settings.coinbase);
    const { payment } = await created(number);
    const charge = providers.charges.get(payment.providerReference ?? '')!;
    charge.timeline.push({ status: 'EXPIRED' });
    now.advance(3_600_000);
    await becomes(payment.transactionId, { status: 'failed', failure: 'expired' });
    pay('coinbase', charge.id);
    now.advance(3_600_000);
    await becomes(payment.transactionId, { status: 'completed', exceptions: ['paid_after_failure'] });
    expect(creditsOf(payment.transactionId)).toHaveLength(1);

    const any = { tenantId: null, place: null, asset: null, cursor: null, limit: 10, mode: 'sandbox' } as const;
    const open = { ...any, kind: 'payment', status: 'open', reason: 'paid_after_failure' } as const;
    const asked = { mode: 'sandbox', exceptionId: payment.transactionId, actor: 'key_ops' } as const;
    expect(await rig.call(listExceptions, open)).toMatchObject({
      value: { exceptions: [{ exceptionId: payment.transactionId, place: 'credited', nextAction: 'review' }] },
    });
    const refused = await rig.call(resolveException, { ...asked, action: 'refund' });
    expect(refused).toMatchObject({ rejection: 'action_not_possible' });
    for (const _ of ['first', 'again'])
      expect(await rig.call(resolveException, { ...asked, action: 'dismiss' })).toMatchObject({
        value: { exception: { status: 'closed', nextAction: null, actions: [] } },
      });
    expect(await rig.call(listExceptions, open)).toMatchObject({ value: { exceptions: [] } });
    expect(creditsOf(payment.transactionId)).toHaveLength(1);
  });

  test('PayPal took the money, the answer was lost, and a part was given back there: all of it is found and credited', async () => {
    const { number, gatewayId } = await gatewayOf(settings.paypal);
    const { payment } = await created(number);
    const reference = payment.providerReference ?? '';
    pay('paypal', reference);
    // Already when the order is read next: the call below is made again by itself.
    const order = providers.paypal.get(reference)!;
    Object.assign(order, { captureStatus: 'PARTIALLY_REFUNDED', refunds: [paypalRefund('COMPLETED', '20.00')] });
    providers.failNext(({ path }) => path.endsWith(`${reference}/capture`), 'do it and cut the answer');
    await tell(gatewayId, noticeOf('paypal', reference, randomUUID())).catch(() => undefined);
    now.advance(86_400_000);
    await becomes(payment.transactionId, { status: 'completed', amountReceived: 10_050n, exceptions: [] });
    now.advance(86_400_000);
    await becomes(payment.transactionId, { returned: { refunded: 2_000n, chargedBack: 0n } });
    expect(creditsOf(payment.transactionId)).toEqual([{ transactionId: payment.transactionId, amount: 10_050n }]);
  });

  test('a bank debit that failed after days is pending again, whatever was told before, and may be processing again', async () => {
    const { number, gatewayId } = await gatewayOf(settings.stripe);
    const { payment } = await created(number);
    const { transactionId } = payment;
    const reference = payment.providerReference ?? '';
    const intent = providers.stripe.get(reference)!;
    const says = async (status: string) => {
      intent.status = status;
      await Promise.all(Array.from({ length: 3 }, () => tell(gatewayId, noticeOf('stripe', reference, randomUUID()))));
    };
    for (const [said, status] of [
      ['processing', 'processing'],
      ['requires_payment_method', 'pending'],
      ['processing', 'processing'],
    ] as const) {
      await says(said);
      expect(await paymentOf(transactionId)).toMatchObject({ status, failure: null });
      expect((await listed(transactionId)).map((each) => each.status)).toEqual([status]);
    }
    // The webhook of the second failure is lost: the worker finds it.
    intent.status = 'requires_payment_method';
    now.advance(86_400_000);
    await becomes(transactionId, { status: 'pending' });
    pay('stripe', reference);
    await tell(gatewayId, noticeOf('stripe', reference, randomUUID()));
    await becomes(transactionId, { status: 'completed', exceptions: [] });
    expect(creditsOf(transactionId)).toEqual([{ transactionId, amount: 10_050n }]);
  });

  test('PayPal declined the first card of a payer: the second one pays, and is credited once', async () => {
    const { number, gatewayId } = await gatewayOf(settings.paypal);
    const { payment } = await created(number);
    const reference = payment.providerReference ?? '';
    const order = providers.paypal.get(reference)!;
    const approve = async () => {
      pay('paypal', reference);
      await tell(gatewayId, noticeOf('paypal', reference, randomUUID()));
    };
    order.badCards = 2;
    for (const _ of ['first', 'second']) {
      await approve();
      expect(await paymentOf(payment.transactionId)).toMatchObject({ status: 'pending', failure: null });
    }
    await approve();
    await becomes(payment.transactionId, { status: 'completed', amountReceived: 10_050n, exceptions: [] });
    expect(order.captures).toBe(1);
    expect(creditsOf(payment.transactionId)).toEqual([{ transactionId: payment.transactionId, amount: 10_050n }]);
  });

  const refusal = { status: 400, body: { name: 'INVALID_REQUEST', message: 'Not again.' } };
  test.each([
    ['second', ['none', refusal]],
    ['first', [refusal, 'none']],
  ] as const)('of two openings at once the %s is refused: the payment is open, and is paid', async (_, answers) => {
    const { number } = await gatewayOf(settings.paypal);
    const idempotencyKey = randomUUID();
    providers.meetNext(isOpening);
    providers.failNext(isOpening, ...answers);
    await Promise.all([created(number, { idempotencyKey }), created(number, { idempotencyKey })]);
    const { payment, session } = await created(number, { idempotencyKey });
    expect(session).toMatchObject({ paypal_order_id: payment.providerReference });
    expect(payment).toMatchObject({ status: 'pending', failure: null });
    const reference = payment.providerReference ?? '';
    pay('paypal', reference);
    // The worker asks about it, also if it was decided in between.
    now.advance(3_600_000);
    await becomes(payment.transactionId, { status: 'completed', exceptions: [] });
    expect(creditsOf(payment.transactionId)).toHaveLength(1);
    expect(await listed(payment.transactionId)).toMatchObject([{ failure: null, amountReceived: 10_050n }]);
  });

  test('the worker finds what no webhook told', async () => {
    const { number } = await gatewayOf(settings.stripe);
    const { payment } = await created(number);
    pay('stripe', payment.providerReference ?? '');
    now.advance(3_600_000);
    await becomes(payment.transactionId, { status: 'completed' });
  });

  test('a payment that was given up, is asked about again', async () => {
    const { number } = await gatewayOf(settings.stripe);
    const { payment } = await created(number);
    const { transactionId, providerReference } = payment;
    // From then on the read model writes no row of its own for this one.
    await catchUp();
    const removed = await rig.sql('delete from payment_checks where transaction_id = $1', [transactionId]);
    expect(removed.rowCount).toBe(1);
    pay('stripe', providerReference ?? '');
    await rig.sql(readFileSync(join(__dirname, '../migrations/0005_ask_payments_again.sql'), 'utf8'));
    const { rows } = await rig.sql(
      `select 1 from payment_checks join payments_v1 using (transaction_id) where status = 'completed'
         or (status = 'failed' and reference is null)`,
    );
    expect(rows).toEqual([]);
    now.advance(3_600_000);
    await becomes(transactionId, { status: 'completed', amountReceived: 10_050n });
    expect(creditsOf(transactionId)).toHaveLength(1);
  });

  test('gateways: unknown, disabled and of other currencies are refused; a name keeps its content', async () => {
    const { number } = await gatewayOf(settings.stripe);
    expect(await create(999)).toEqual({ ok: false, rejection: 'gateway_not_found' });
    expect(await create(number, { tenantId: randomUUID() })).toEqual({ ok: false, rejection: 'gateway_not_found' });
    expect(await create(number, { currency: 'GBP' })).toEqual({ ok: false, rejection: 'currency_not_supported' });
    await rig.call(setGatewayEnabled, { ...owner, number, enabled: false });
    expect(await create(number)).toEqual({ ok: false, rejection: 'gateway_disabled' });
    await rig.call(setGatewayEnabled, { ...owner, number, enabled: true });
    expect((await gatewayOf(settings.stripe)).number).toBe(number);
    const other = { ...owner, name: 'stripe', currencies: ['USD' as const], settings: settings.stripe };
    const refused = { ok: false, rejection: 'gateway_exists_with_different_fields' };
    expect(await rig.call(addGateway, other)).toEqual(refused);
  });

  test('the sandbox provider plays all three parts, and its payer decides once', async () => {
    for (const plays of names) {
      const { number } = await gatewayOf({ provider: 'sandbox', plays }, `sandbox ${plays}`);
      const { payment, session } = await created(number);
      expect(session).not.toBeNull();
      const decide = (outcome: 'succeeded' | 'failed', as: Partial<typeof owner> = {}) =>
        rig.call(simulatePayment, { ...owner, ...as, transactionId: payment.transactionId, outcome });
      expect(await decide('succeeded', { tenantId: randomUUID() } as never)).toMatchObject({
        rejection: 'payment_not_found',
      });
      expect(await decide('succeeded')).toMatchObject({ ok: true });
      expect(await decide('succeeded')).toMatchObject({ ok: true });
      expect(await decide('failed')).toEqual({ ok: false, rejection: 'payment_decided_otherwise' });
      await becomes(payment.transactionId, { status: 'completed' });
      expect(creditsOf(payment.transactionId)).toHaveLength(1);
    }
  });

  test('what goes back at the sandbox provider is as it was asked for, in all, and never more than was paid', async () => {
    const { number } = await gatewayOf({ provider: 'sandbox', plays: 'stripe' }, 'sandbox returns');
    const { payment } = await created(number);
    const { transactionId } = payment;
    const give = (refunded: bigint, chargedBack = 0n, as: object = {}) =>
      rig.call(simulateReturn, { ...owner, transactionId, refunded, chargedBack, ...as });
    expect(await give(1n)).toEqual({ ok: false, rejection: 'payment_not_taken' });
    await rig.call(simulatePayment, { ...owner, transactionId, outcome: 'succeeded' });
    await becomes(transactionId, { status: 'completed' });
    expect(await give(1n, 0n, { tenantId: randomUUID() })).toEqual({ ok: false, rejection: 'payment_not_found' });
    expect(await give(10_000n, 51n)).toEqual({ ok: false, rejection: 'returned_beyond_payment' });
    for (const _ of ['first', 'again'])
      expect(await give(10_000n, 50n)).toMatchObject({
        value: { payment: { status: 'refunded', returned: { refunded: 10_000n, chargedBack: 50n } } },
      });
    expect(await give(10_000n)).toMatchObject({ value: { payment: { status: 'completed' } } });
    await eventually(() => expect(movedOf(transactionId)).toHaveLength(2), { timeoutMs: 15_000 });
    expect(movedOf(transactionId)).toEqual([
      [1, 'returned', 10_050n],
      [2, 'reinstated', 50n],
    ]);
    const { number: other } = await gatewayOf(settings.stripe);
    const real = await created(other);
    expect(await give(0n, 0n, { transactionId: real.payment.transactionId })).toEqual({
      ok: false,
      rejection: 'payment_not_simulated',
    });
  });

  test('lists are newest first, count all, and are filtered by status and time', async () => {
    const keysOf = async (more: Partial<CallRequest<typeof listPayments>> = {}) => {
      const outcome = await rig.call(listPayments, {
        ...owner,
        status: null,
        from: null,
        to: null,
        limit: 100,
        ...more,
      });
      return outcome.ok ? outcome.value : { payments: [], total: 0 };
    };
    const rows = async (transactionIds: readonly string[], by: string = tenantId) => {
      const asked = { ...owner, tenantId: by, transactionIds: [...transactionIds] };
      const outcome = await rig.call(getPayments, asked);
      return outcome.ok ? outcome.value.payments : [];
    };
    now.advance(1_000);
    const from = now().toISOString();
    const { number } = await gatewayOf(settings.stripe);
    const made = [];
    for (let n = 0; n < 3; n++) made.push((await created(number)).payment.transactionId);
    now.advance(1_000);
    const to = now().toISOString();
    expect((await keysOf({ from, to })).payments.map((each) => each.transactionId)).toEqual(made.toReversed());
    expect(await keysOf({ from, to, limit: 1 })).toMatchObject({ payments: [{ transactionId: made[2] }], total: 3 });
    expect(await keysOf({ from: to })).toEqual({ payments: [], total: 0 });
    expect(await keysOf({ from, to, status: 'completed' })).toEqual({ payments: [], total: 0 });
    const shown = await rows(made);
    expect(shown.map(({ transactionId }) => transactionId).toSorted()).toEqual(made.toSorted());
    expect(shown.every(({ description }) => description === 'Canary words')).toBe(true);
    expect(await rows(made, randomUUID())).toEqual([]);
    expect(await keysOf({ tenantId: randomUUID() })).toEqual({ payments: [], total: 0 });
    const numbers = (await keysOf()).payments.map((each) => each.number);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.every((each) => each % 2 === 1)).toBe(true);
  });

  test("neither a provider's secret, nor a session's, nor a payer's words are in an event in the clear", async () => {
    const { rows } = await rig.events();
    expect(rows.length).toBeGreaterThan(50);
    for (const { payload } of rows)
      expect(payload.toString('utf8')).not.toMatch(/canary|whsec_|client_secret|_secret_/i);
  });
});

test('while the key of secrets is replaced, gateways work in every process, and what is repeated late is the same', async () => {
  const { former: formerKey, before, after, without } = await rig.rotate();
  const gatewayBy = (call: typeof rig.call, name: string) =>
    call(addGateway, { ...owner, name, currencies: ['USD'], settings: settings.stripe });
  const paymentBy = (call: typeof rig.call, gatewayNumber: number, idempotencyKey: string) =>
    call(createPayment, {
      ...owner,
      gatewayNumber,
      currency: 'USD',
      amount: 10_050n,
      description: null,
      metadata: {},
      userNumber: null,
      idempotencyKey,
    });
  const numbers: number[] = [];
  for (const [name, by] of Object.entries({ former: rig.call, before, after })) {
    const added = await gatewayBy(by, `of ${name}`);
    if (!added.ok) throw new Error(added.rejection);
    const { number } = added.value.gateway;
    numbers.push(number);
    const key = randomUUID();
    const first = await paymentBy(by, number, key);
    if (!first.ok) throw new Error(first.rejection);
    expect(first.value).toMatchObject({ replayed: false, payment: { status: 'pending' } });
    for (const each of [before, after]) {
      expect(await gatewayBy(each, `of ${name}`)).toEqual({ ok: true, value: { ...added.value, replayed: true } });
      expect(await paymentBy(each, number, key)).toEqual({ ok: true, value: { ...first.value, replayed: true } });
      // The provider is reached with what is sealed.
      expect(await paymentBy(each, number, randomUUID())).toMatchObject({ ok: true, value: { replayed: false } });
    }
  }
  expect(await gatewayBy(without, 'of after')).toMatchObject({ ok: true, value: { replayed: true } });
  const refused = { ok: false, rejection: 'gateway_exists_with_different_fields' };
  expect(await gatewayBy(without, 'of former')).toEqual(refused);
  const [former] = numbers;
  await expect(paymentBy(without, former!, randomUUID())).rejects.toThrow('answered 500');

  // As docs/rotating-keys.md has it.
  const keyId = createHash('sha256').update(Buffer.from(formerKey, 'base64')).digest('hex').slice(0, 8);
  const { rows } = await rig.sql(
    `select distinct stream, type from intents.events
     where type <> 'PaymentOpened' and position('v1.${keyId}.' in convert_from(payload, 'UTF8')) > 0`,
  );
  const stream = `gateways-${tenantId}-sandbox`;
  const named = rows.map((row) => [row.stream, row.type]).toSorted();
  expect(named).toEqual(['GatewayAdded', 'GatewaySettingsReplaced'].map((type) => [stream, type]));
});
