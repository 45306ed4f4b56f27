import { randomUUID } from 'node:crypto';
import {
  addGateway,
  createPayment,
  exchangeLogin,
  getPayment,
  listGateways,
  receiveProviderWebhook,
  replaceGatewaySettings,
  setGatewayEnabled,
  simulatePayment,
  simulateReturn,
} from '@daybook/contracts';
import { acceptedAmounts, malformedAmountTokens, refusedAmountTokens, tokensBeyondScale } from '@daybook/testing';
import { GatewayHarness, type TestCredential } from './harness';
import { longestDescription, noDescriptions, payment as listed, type Payment } from './partner-facts';

const gateway = new GatewayHarness();
let partner: TestCredential;
let admin: TestCredential;

beforeAll(async () => {
  await gateway.start();
  partner = await gateway.issue('api_key', ['partner']);
  admin = await gateway.issue('token', ['admin']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const transactionId = 'TX4G7Q1ZK0WB8N3RDC5VYM';
const payment: Payment = { ...listed, transactionId, number: 456 };
const example = {
  gateway_id: 3,
  amount: 100.0,
  currency: 'USD',
  description: 'Payment for services',
  metadata: { order_id: 'ORD123456', customer_name: 'John Doe' },
};
const get = (path: string) => gateway.request('GET', path, { headers: partner.headers });
const post = (body: object | string, headers: Record<string, string> = {}) =>
  gateway.request('POST', '/api/payments', {
    ...(typeof body === 'string' ? { raw: body } : { body }),
    headers: { ...partner.headers, ...headers },
  });
const opened = (
  more: Partial<Payment> = {},
  session: Record<string, string> | null = { payment_intent_id: 'pi_1' },
  replayed = false,
) =>
  gateway.services.respond(createPayment)(({ amount }) => ({
    ok: true,
    value: { payment: { ...payment, status: 'pending', amount, ...more }, session, replayed },
  }));

describe('POST /api/token', () => {
  const signIn = (body: unknown) => gateway.request('POST', '/api/token', { body });

  test('answers the documented fields, or the same refusal for whatever was wrong', async () => {
    gateway.services.respond(exchangeLogin)(({ password }) =>
      password === 'right'
        ? { ok: true, value: { token: 'a.b.c', expiresAt: '2026-02-11T11:00:00.000Z', userNumber: 123 } }
        : { ok: false, rejection: 'login_invalid' },
    );
    const right = await signIn({ username: 'me', password: 'right' });
    expect(right).toMatchObject({ status: 200, body: { access_token: 'a.b.c', user_id: 123, username: 'me' } });
    const wrong = await signIn({ username: 'me', password: 'wrong' });
    expect(wrong).toMatchObject({ status: 401, body: { success: false, code: 'LOGIN_INVALID' } });
    expect(await signIn({ username: 'me' })).toMatchObject({ status: 400, body: { field: 'password' } });
  });
});

describe('POST /api/payments', () => {
  test('the example of the reference is answered with what the provider gave', async () => {
    opened({}, { payment_intent_id: 'pi_1234567890', client_secret: 'pi_1234_secret_5678' });
    const reply = await post(example, { 'Idempotency-Key': 'k1' });
    expect(reply.body).toEqual({
      success: true,
      transaction_id: transactionId,
      payment_intent_id: 'pi_1234567890',
      client_secret: 'pi_1234_secret_5678',
    });
    expect(gateway.services.received(createPayment)).toEqual([
      {
        tenantId: partner.tenantId,
        mode: 'sandbox',
        gatewayNumber: 3,
        currency: 'USD',
        amount: 10_000n,
        description: 'Payment for services',
        metadata: { order_id: 'ORD123456', customer_name: 'John Doe' },
        userNumber: 7,
        idempotencyKey: 'k1',
      },
    ]);
  });

  test.each([
    ['not answered', { status: 'pending' }, 503, 'PROVIDER_UNAVAILABLE'],
    ['refused', { status: 'failed', failure: 'declined' }, 422, 'PAYMENT_REFUSED'],
  ] as const)('a payment that the provider has %s is an error, not a success', async (_said, state, status, code) => {
    opened(state, null);
    expect(await post(example)).toMatchObject({ status, body: { success: false, code } });
  });

  test('whoever sent no key is told the one to ask with again, and when', async () => {
    opened({ status: 'pending' }, null);
    const reply = await post(example);
    const [made] = gateway.services.received(createPayment);
    expect(reply.body).toMatchObject({ error: expect.stringContaining(`Idempotency-Key ${made?.idempotencyKey}`) });
    expect(reply.headers.get('Retry-After')).toBe('2');
  });

  test.each([
    ['a refusal of before says so', { status: 'failed', failure: 'declined' }, 'true'],
    ['a payment that is asked for again is no answer of before', { status: 'pending' }, null],
  ] as const)('%s', async (_said, state, replayed) => {
    opened(state, null, true);
    expect((await post(example)).headers.get('Idempotent-Replayed')).toBe(replayed);
    opened(state, null);
    expect((await post(example)).headers.get('Idempotent-Replayed')).toBeNull();
  });

  test.each([
    ['gateway_not_found', 404, 'gateway_id'],
    ['gateway_disabled', 409, 'gateway_id'],
    ['currency_not_supported', 400, 'currency'],
    ['idempotency_key_reused', 409, 'Idempotency-Key'],
  ] as const)('%s names the field', async (rejection, status, field) => {
    gateway.services.respond(createPayment)(() => ({ ok: false, rejection }));
    expect(await post(example)).toMatchObject({ status, body: { success: false, field } });
  });

  test('metadata may be numbers, which are kept as their digits and are as bounded as text', async () => {
    opened();
    const raw = (value: string) =>
      post(`{"gateway_id":3,"amount":1.00,"currency":"USD","metadata":{"a":${value},"b":"${'v'.repeat(500)}"}}`);
    expect((await raw('1.10')).status).toBe(200);
    expect(gateway.services.received(createPayment)[0]?.metadata).toEqual({ a: '1.10', b: 'v'.repeat(500) });
    expect((await raw('1'.repeat(500))).status).toBe(200);
    expect(await raw('1'.repeat(501))).toMatchObject({ status: 400, body: { field: 'metadata.a' } });
  });

  test('takes amounts as they are written, and refuses what is not one, naming the field', async () => {
    const raw = (token: string) => `{"gateway_id":3,"amount":${token},"currency":"USD"}`;
    opened();
    for (const { token, cents } of acceptedAmounts) {
      expect([token, (await post(raw(token))).status]).toEqual([token, 200]);
      expect(gateway.services.received(createPayment).at(-1)?.amount).toBe(cents);
    }
    const before = gateway.services.received(createPayment).length;
    for (const token of [...refusedAmountTokens, ...tokensBeyondScale(2)])
      expect([token, await post(raw(token))]).toMatchObject([token, { status: 400, body: { field: 'amount' } }]);
    for (const token of malformedAmountTokens) expect([token, (await post(raw(token))).status]).toEqual([token, 400]);
    expect(gateway.services.received(createPayment)).toHaveLength(before);
  });

  test.each(noDescriptions)('with the description %j has none', async (description) => {
    opened();
    expect((await post({ ...example, description })).status).toBe(200);
    expect(gateway.services.received(createPayment)[0]?.description).toBeNull();
  });

  test('takes a description of 500 characters', async () => {
    opened();
    expect((await post({ ...example, description: longestDescription })).status).toBe(200);
    expect(gateway.services.received(createPayment)[0]?.description).toBe(longestDescription);
  });

  test.each([
    ['gateway_id', { gateway_id: 0 }],
    ['gateway_id', { gateway_id: '3' }],
    ['currency', { currency: 'BTC' }],
    ['description', { description: 'a\u0000b' }],
    ['description', { description: `${longestDescription}d` }],
    ['metadata', { metadata: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`k${n}`, 'v'])) }],
    ['metadata.k', { metadata: { k: { deep: 1 } } }],
    ['metadata.k', { metadata: { k: 'v'.repeat(501) } }],
    ['metadata.k', { metadata: { k: 'a\u0000b' } }],
    ['metadata.k', { metadata: { k: '' } }],
    ['metadata', { metadata: { 'a\u0000b': 'v' } }],
  ])('refuses a bad %s', async (field, change) => {
    const reply = await post({ ...example, ...change });
    expect(reply).toMatchObject({ status: 400, body: { success: false, code: 'INVALID_REQUEST' } });
    expect(String(reply.body.field)).toContain(field);
  });

  test('needs a partner credential', async () => {
    expect((await gateway.request('POST', '/api/payments', { body: example })).status).toBe(401);
    const other = await gateway.request('POST', '/api/payments', { body: example, headers: admin.headers });
    expect(other).toMatchObject({ status: 403, body: { success: false, code: 'FORBIDDEN' } });
    expect((await gateway.request('GET', '/api/nothing', { headers: partner.headers })).body).toMatchObject({
      success: false,
      code: 'NOT_FOUND',
    });
  });
});

describe('GET /api/payments/{id}/status', () => {
  test('has the documented fields; what is no transaction is not found', async () => {
    gateway.services.respond(getPayment)(({ transactionId: id }) =>
      id === transactionId ? { ok: true, value: { payment } } : { ok: false, rejection: 'payment_not_found' },
    );
    const status = await get(`/api/payments/${transactionId}/status`);
    expect(status.text).toContain('"amount":100.00');
    expect(status.body).toEqual({
      success: true,
      transaction_id: transactionId,
      status: 'completed',
      amount: 100,
      currency: 'USD',
      gateway_reference: 'pi_1234567890',
    });
    for (const id of ['TX1', 'nothing', transactionId.replace('4G', 'ZZ'), '%00'])
      expect((await get(`/api/payments/${id}/status`)).status).toBe(404);
  });

  test('tells what the provider took when that is not what was asked for', async () => {
    const taken = { ...payment, amountReceived: 6_000n, exceptions: ['amount_differs' as const] };
    gateway.services.respond(getPayment)(() => ({ ok: true, value: { payment: taken } }));
    const shown = { amount: 100, amount_received: 60, exceptions: ['amount_differs'] };
    for (const path of [`/api/payments/${transactionId}/status`, `/api/transactions/${transactionId}`])
      expect((await get(path)).body).toMatchObject(shown);
  });

  test('tells what went back, and nothing of it where nothing did', async () => {
    const back = { status: 'refunded', returned: { refunded: 4_000n, chargedBack: 6_000n } } as const;
    const paths = [`/api/payments/${transactionId}/status`, `/api/transactions/${transactionId}`];
    const told = { ...payment, ...back, exceptions: ['disputed' as const] };
    gateway.services.respond(getPayment)(() => ({ ok: true, value: { payment: told } }));
    const shown = { amount_received: 100, exceptions: ['disputed'], amount_refunded: 40, amount_charged_back: 60 };
    for (const path of paths)
      expect((await get(path)).body).toMatchObject({ ...shown, status: 'refunded', amount: 100 });
    gateway.services.respond(getPayment)(() => ({ ok: true, value: { payment } }));
    for (const path of paths)
      for (const field of Object.keys(shown)) expect((await get(path)).body).not.toHaveProperty(field);
  });
});

describe('gateways', () => {
  const gatewayId = randomUUID();
  const view = {
    gatewayId,
    number: 3,
    name: 'Cards',
    provider: 'stripe' as const,
    currencies: ['USD' as const],
    enabled: true,
    createdAt: '2026-02-11T10:00:00.000Z',
    previousSecretUntil: null,
  };
  const shown = {
    gateway_id: 3,
    name: 'Cards',
    provider: 'stripe',
    currencies: ['USD'],
    enabled: true,
    webhook_path: `/v1/providers/${gatewayId}/webhooks`,
    created_at: '2026-02-11T10:00:00.000Z',
    previous_secret_until: null,
  };
  const settings = { provider: 'stripe' as const, secretKey: 'sk_secret_1', webhookSecret: 'whsec_secret_2' };
  const as = (method: string, path: string, body?: unknown) =>
    gateway.request(method, path, { headers: admin.headers, ...(body === undefined ? {} : { body }) });

  test('are added, listed, disabled and enabled; secrets do not come back', async () => {
    gateway.services.respond(addGateway)(() => ({ ok: true, value: { gateway: view, replayed: false } }));
    gateway.services.respond(listGateways)(() => ({ ok: true, value: { gateways: [view] } }));
    gateway.services.respond(setGatewayEnabled)(({ enabled }) => ({
      ok: true,
      value: { gateway: { ...view, enabled } },
    }));
    const added = await as('POST', '/v1/admin/gateways', { name: 'Cards', currencies: ['USD'], settings });
    expect(added.body).toEqual(shown);
    expect((await as('GET', '/v1/admin/gateways')).body).toEqual({ gateways: [shown] });
    expect((await as('POST', '/v1/admin/gateways/3/disable')).body).toEqual({ ...shown, enabled: false });
    expect((await as('POST', '/v1/admin/gateways/3/enable')).body).toEqual(shown);
    expect(added.text).not.toMatch(/secret_\d/);
    expect((await as('POST', '/v1/admin/gateways/0/enable')).status).toBe(404);
    const bad = { name: 'Cards', currencies: ['USD'], settings: { provider: 'stripe', secretKey: 'x' } };
    expect((await as('POST', '/v1/admin/gateways', bad)).status).toBe(400);
    const denied = await gateway.request('GET', '/v1/admin/gateways', { headers: partner.headers });
    expect(denied.status).toBe(403);
    expect(JSON.stringify(gateway.log.lines)).not.toMatch(/secret_\d/);
  });

  test('have their settings replaced once for a key, and the webhook secret before is accepted for a day or as long as asked', async () => {
    const previousUntil = '2026-02-12T10:00:00.000Z';
    // An earlier one ends later.
    const gatewayNow = { ...view, previousSecretUntil: '2026-02-18T10:00:00.000Z' };
    let replayed = false;
    gateway.services.respond(replaceGatewaySettings)(() => ({
      ok: true,
      value: { gateway: gatewayNow, previousUntil, replayed },
    }));
    const post = (body: object, key: string, number = '3') =>
      gateway.request('POST', `/v1/admin/gateways/${number}/replace-settings`, {
        headers: { ...admin.headers, 'Idempotency-Key': key },
        body,
      });
    const first = await post({ settings }, 'key-1');
    expect(first).toMatchObject({ status: 200, body: { ...shown, previous_secret_until: previousUntil } });
    replayed = true;
    const again = await post({ settings, overlap_hours: 24 }, 'key-1');
    expect(again.body).toEqual(first.body);
    expect([first, again].map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, 'true']);
    await post({ settings, overlap_hours: 0 }, 'key-2');
    await post({ settings }, 'key-1', '4');
    const [one, same, other, ofAnother] = gateway.services.received(replaceGatewaySettings);
    expect(one).toMatchObject({ mode: 'sandbox', number: 3, settings, overlapHours: 24 });
    expect(same).toEqual(one);
    expect(other).toMatchObject({ number: 3, overlapHours: 0 });
    expect(new Set([one, other, ofAnother].map((each) => each?.replacementId)).size).toBe(3);
    expect(first.text).not.toMatch(/secret_\d/);
    expect(JSON.stringify(gateway.log.lines)).not.toMatch(/secret_\d/);
  });

  test.each([
    ['gateway_not_found', 404, 'GATEWAY_NOT_FOUND', undefined],
    ['provider_not_in_mode', 400, 'INVALID_REQUEST', 'settings.provider'],
    ['provider_differs', 400, 'INVALID_REQUEST', 'settings.provider'],
    ['replacement_exists_with_different_fields', 409, 'IDEMPOTENCY_KEY_REUSED', undefined],
    ['earlier_secrets_exhausted', 409, 'SECRETS_EXHAUSTED', undefined],
  ] as const)('tell why their settings are not replaced: %s', async (rejection, status, code, field) => {
    gateway.services.respond(replaceGatewaySettings)(() => ({ ok: false, rejection }));
    const ask = (headers: Record<string, string>, more = {}, number = '3') =>
      gateway.request('POST', `/v1/admin/gateways/${number}/replace-settings`, {
        headers,
        body: { settings, ...more },
      });
    const key = { 'Idempotency-Key': 'key-1' };
    const refused = await ask({ ...admin.headers, ...key });
    expect([refused.status, refused.body.code, refused.body.field]).toEqual([status, code, field]);
    expect((await ask(admin.headers)).status).toBe(400);
    expect((await ask({ ...partner.headers, ...key })).status).toBe(403);
    expect((await ask({ ...admin.headers, ...key }, {}, '0')).status).toBe(404);
    for (const hours of [169, -1, 0.5])
      expect((await ask({ ...admin.headers, ...key }, { overlap_hours: hours })).status).toBe(400);
  });

  test('a webhook is passed on byte by byte, with the headers that sign it and no others', async () => {
    gateway.services.respond(receiveProviderWebhook)(({ headers }) =>
      headers['stripe-signature'] === 'right' ? { ok: true, value: {} } : { ok: false, rejection: 'signature_invalid' },
    );
    const raw = '{ "id":"evt_1",\n "amount": 1.10 }';
    const tell = (headers: Record<string, string>) =>
      gateway.request('POST', `/v1/providers/${gatewayId}/webhooks`, { raw, headers });
    expect((await tell({ 'Stripe-Signature': 'right', 'X-Other': 'no' })).status).toBe(204);
    expect(gateway.services.received(receiveProviderWebhook)).toEqual([
      { gatewayId, headers: { 'stripe-signature': 'right' }, body: raw },
    ]);
    expect((await tell({})).status).toBe(401);
    expect((await gateway.request('POST', '/v1/providers/x/webhooks', { raw })).status).toBe(404);
  });

  test('a sandbox payment is decided by its payer, in the sandbox only', async () => {
    gateway.services.respond(simulatePayment)(() => ({ ok: true, value: { payment } }));
    const path = `/v1/sandbox/payments/${transactionId}`;
    const body = { outcome: 'succeeded' };
    expect(await gateway.request('POST', path, { headers: partner.headers, body })).toMatchObject({ status: 200 });
    const live = await gateway.issue('api_key', ['partner'], { mode: 'live' });
    expect((await gateway.request('POST', path, { headers: live.headers, body })).status).toBe(403);
  });

  test('money of a sandbox payment goes back by amounts of its currency, in the sandbox only', async () => {
    gateway.services.respond(getPayment)(() => ({ ok: true, value: { payment } }));
    gateway.services.respond(simulateReturn)(({ refunded, chargedBack }) =>
      refunded + chargedBack > 10_000n
        ? { ok: false, rejection: 'returned_beyond_payment' }
        : { ok: true, value: { payment: { ...payment, returned: { refunded, chargedBack } } } },
    );
    const path = `/v1/sandbox/payments/${transactionId}/returns`;
    const give = (body: object, { headers } = partner) => gateway.request('POST', path, { headers, body });
    expect(await give({ refunded: '40.00', charged_back: 59.99 })).toMatchObject({
      status: 200,
      body: { transaction_id: transactionId, status: 'completed', refunded: '40.00', charged_back: '59.99' },
    });
    expect(await give({})).toMatchObject({ status: 200, body: { refunded: '0.00', charged_back: '0.00' } });
    for (const [body, field] of [
      [{ refunded: '100.01' }, 'refunded'],
      [{ refunded: '1.001' }, 'refunded'],
      [{ charged_back: '0' }, 'charged_back'],
      [{ charged_back: -1 }, 'charged_back'],
      [{ amount: '1.00' }, 'amount'],
    ] as const)
      expect(await give(body)).toMatchObject({ status: 400, body: { field } });
    expect((await give({}, await gateway.issue('api_key', ['partner'], { mode: 'live' }))).status).toBe(403);
  });
});
