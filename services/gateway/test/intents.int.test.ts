import { randomUUID } from 'node:crypto';
import { createIntent, getIntent, intentCurrencies, type CallOutcome } from '@daybook/contracts';
import { assets } from '@daybook/money';
import { acceptedAmounts, malformedAmountTokens, refusedAmountTokens, tokensBeyondScale } from '@daybook/testing';
import { GatewayHarness, type Sent, type TestCredential } from './harness';

const gateway = new GatewayHarness();
let client: TestCredential;

beforeAll(async () => {
  await gateway.start();
  client = await gateway.issue('client', ['intents']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const intentId = '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d';
const body = { amount: 99.5, currency: 'USDT_TRC20', order_id: 'INV_298418_XYZ' };
const create = (sent: Sent = {}) =>
  gateway.request('POST', '/api/v1/intents/create-payment', {
    ...(sent.raw === undefined ? { body } : {}),
    ...sent,
    headers: { ...client.headers, ...sent.headers },
  });
const fetchIntent = (id: string) => gateway.request('GET', `/api/v1/intents/${id}`, { headers: client.headers });
const rawIntent = (amount: string, currency = 'USDT_TRC20') =>
  `{"amount":${amount},"currency":"${currency}","order_id":"INV_298418_XYZ"}`;

type Intent = Extract<CallOutcome<typeof getIntent>, { ok: true }>['value']['intent'];
const pending: Intent = {
  intentId,
  asset: 'USDT_TRC20',
  orderId: 'INV_298418_XYZ',
  currency: 'USDT_TRC20',
  amount: 99_500_000n,
  amountReceived: 0n,
  amountApplied: 0n,
  amountRefundable: 0n,
  status: 'pending',
  exceptions: [],
  paymentAddress: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t',
  transactionHash: null,
  createdAt: '2023-11-20T14:32:00.000Z',
  expiresAt: '2023-11-20T15:32:00.000Z',
  verifiedAt: null,
};
const creating = (replayed = false) =>
  gateway.services.respond(createIntent)(({ amount, currency }) => ({
    ok: true,
    value: { intent: { ...pending, amount, currency }, replayed },
  }));

describe('create-payment', () => {
  test('answers the fields of the reference, amounts as numbers in their canonical form', async () => {
    creating();
    const reply = await create({ raw: rawIntent('99.5') });
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('"success":true,');
    expect(reply.text).toContain('"amount":99.50,');
    expect(reply.body).toEqual({
      success: true,
      intent_id: intentId,
      amount: 99.5,
      currency: 'USDT_TRC20',
      payment_address: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t',
      status: 'pending',
      order_id: 'INV_298418_XYZ',
      created_at: '2023-11-20T14:32:00.000Z',
      expires_at: '2023-11-20T15:32:00.000Z',
      amount_received: 0,
      amount_refundable: 0,
      exceptions: [],
    });
    expect(gateway.services.received(createIntent)).toEqual([
      {
        tenantId: client.tenantId,
        mode: 'sandbox',
        currency: 'USDT_TRC20',
        amount: 99_500_000n,
        orderId: 'INV_298418_XYZ',
        idempotencyKey: null,
      },
    ]);
  });

  test('passes the idempotency key on, and says when it answers again', async () => {
    creating(true);
    const reply = await create({ headers: { 'Idempotency-Key': 'order-1' } });
    expect(reply.headers.get('idempotent-replayed')).toBe('true');
    expect(gateway.services.received(createIntent)[0]?.idempotencyKey).toBe('order-1');
  });

  test('is 409 when the key was used for something else', async () => {
    gateway.services.respond(createIntent)(() => ({ ok: false, rejection: 'idempotency_key_reused' }));
    expect(await create()).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  });

  test.each([
    ['UPI', '0.01', 1n],
    ['USDT_TRC20', '0.000001', 1n],
    ['USDT_SOL', '"10.5"', 10_500_000n],
    ['SOL', '0.000000001', 1n],
    ['ETH', '0.000000000000000001', 1n],
    ['ETH', '123456789012345678.123456789012345678', 123456789012345678123456789012345678n],
    ['USDT_ERC20', '19.99', 19_990_000n],
  ])('takes %s %s exactly', async (currency, token, units) => {
    creating();
    expect((await create({ raw: rawIntent(token, currency) })).status).toBe(200);
    expect(gateway.services.received(createIntent)[0]?.amount).toBe(units);
  });

  test.each(acceptedAmounts)('takes $token exactly, and shows $text', async ({ token, text, cents }) => {
    creating();
    expect((await create({ raw: rawIntent(token) })).text).toContain(`"amount":${text},`);
    expect(gateway.services.received(createIntent)[0]?.amount).toBe(cents * 10_000n);
  });

  test.each(
    intentCurrencies.flatMap((currency) =>
      tokensBeyondScale(assets[currency === 'UPI' ? 'INR' : currency].scale).map((token) => [currency, token] as const),
    ),
  )('refuses one decimal too many: %s %s', async (currency, token) => {
    expect(await create({ raw: rawIntent(token, currency) })).toMatchObject({ status: 400, body: { field: 'amount' } });
    expect(gateway.services.count()).toBe(0);
  });

  test.each(refusedAmountTokens)('refuses the amount %s by name', async (token) => {
    const reply = await create({ raw: rawIntent(token) });
    expect(reply).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST', field: 'amount', detail: expect.stringMatching(/^amount: /) },
    });
    expect(gateway.services.count()).toBe(0);
  });

  test.each(malformedAmountTokens)('refuses a body with the amount %j as malformed', async (token) => {
    expect(await create({ raw: rawIntent(token) })).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
    expect(gateway.services.count()).toBe(0);
  });

  test.each(['BTC', 'usdt_trc20', 'INR', '__proto__', 'constructor', ''])(
    'of currency %j is METHOD_UNSUPPORTED',
    async (currency) => {
      const reply = await create({ body: { ...body, currency } });
      expect(reply).toMatchObject({ status: 400, body: { code: 'METHOD_UNSUPPORTED', field: 'currency' } });
      expect(gateway.services.count()).toBe(0);
    },
  );

  test('is METHOD_UNSUPPORTED where no address can be had', async () => {
    gateway.services.respond(createIntent)(() => ({ ok: false, rejection: 'currency_not_available' }));
    expect(await create()).toMatchObject({ status: 400, body: { code: 'METHOD_UNSUPPORTED' } });
  });

  test.each([
    ['a status', { ...body, status: 'settled' }, 'status'],
    ['a tenant', { ...body, tenant_id: randomUUID() }, 'tenant_id'],
    ['no order', { amount: 1, currency: 'SOL' }, 'order_id'],
    ['a number as order', { ...body, order_id: 7 }, 'order_id'],
    ['a long order', { ...body, order_id: 'o'.repeat(201) }, 'order_id'],
  ])('with %s is refused by the name of the field', async (_name, sent, field) => {
    expect(await create({ body: sent })).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', field } });
    expect(gateway.services.count()).toBe(0);
  });

  test('says 503 while intents does not answer, and 500 without detail on nonsense', async () => {
    gateway.services.fail(503);
    expect(await create()).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
    gateway.services.fail(500);
    expect((await create()).text).toBe('{"detail":"The server failed to handle the request.","code":"SERVER_ERROR"}');
  });
});

describe('intent status', () => {
  test('of a settled intent has its hash and time', async () => {
    const settled: Intent = {
      ...pending,
      status: 'settled',
      amountReceived: 99_500_000n,
      amountApplied: 99_500_000n,
      transactionHash: '25a589',
      verifiedAt: '2023-11-20T14:35:12.000Z',
    };
    gateway.services.respond(getIntent)(() => ({ ok: true, value: { intent: settled } }));
    const reply = await fetchIntent(intentId);
    expect(reply.text).toContain('"amount":99.50,');
    expect(reply.body).toMatchObject({
      intent_id: intentId,
      status: 'settled',
      transaction_hash: '25a589',
      verified_at: '2023-11-20T14:35:12.000Z',
      amount_received: 99.5,
    });
  });

  test.each([intentId, 'not-a-uuid', '%00', 'create-payment', '..%2f', "'"])(
    'of %s, which is not there for this tenant, is INTENT_NOT_FOUND',
    async (id) => {
      gateway.services.respond(getIntent)(() => ({ ok: false, rejection: 'intent_not_found' }));
      expect(await fetchIntent(id)).toMatchObject({ status: 404, body: { code: 'INTENT_NOT_FOUND' } });
    },
  );
});

describe('client credentials', () => {
  const asking = (headers: Record<string, string>) =>
    gateway.request('GET', `/api/v1/intents/${intentId}`, { headers });

  test.each([
    ['nothing', () => ({})],
    ['an id alone', () => ({ 'X-Client-ID': client.credentialId })],
    ['a secret alone', () => ({ 'X-Client-Secret': client.secret })],
    ['an empty secret', () => ({ 'X-Client-ID': client.credentialId, 'X-Client-Secret': '' })],
    ['another scheme', () => ({ 'X-API-Key': client.secret })],
  ])('with %s is AUTH_INVALID_HEADERS', async (_name, headers: () => Record<string, string>) => {
    expect(await asking(headers())).toMatchObject({ status: 401, body: { code: 'AUTH_INVALID_HEADERS' } });
  });

  test.each([
    ['a wrong secret', () => ({ ...client.headers, 'X-Client-Secret': randomUUID() })],
    ['a secret of another length', () => ({ ...client.headers, 'X-Client-Secret': 'x' })],
    ['an unknown id', () => ({ ...client.headers, 'X-Client-ID': randomUUID() })],
  ])(
    'with %s is AUTH_INVALID_SECRET, in the documented words',
    async (_name, headers: () => Record<string, string>) => {
      const reply = await asking(headers());
      expect(reply.status).toBe(403);
      expect(reply.text).toBe('{"detail":"Invalid authentication credentials.","code":"AUTH_INVALID_SECRET"}');
    },
  );

  test('without the scope is refused', async () => {
    const other = await gateway.issue('client', ['webhooks']);
    expect(await asking(other.headers)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });

  test('beside another scheme is ambiguous', async () => {
    const reply = await asking({ ...client.headers, Authorization: 'Bearer a.b.c' });
    expect(reply).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } });
  });
});

test('an unknown path below the dialect is answered in its shape', async () => {
  const reply = await gateway.request('GET', '/api/v1/intents/a/b', { headers: client.headers });
  expect(reply).toMatchObject({ status: 404, body: { code: 'NOT_FOUND', detail: expect.any(String) } });
});
