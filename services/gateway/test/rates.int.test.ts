import { createQuote, getQuote, getRate, type CallOutcome } from '@daybook/contracts';
import { refusedAmountTokens } from '@daybook/testing';
import { GatewayHarness, type Sent, type TestCredential } from './harness';

const gateway = new GatewayHarness();
let tenant: TestCredential;

beforeAll(async () => {
  await gateway.start();
  tenant = await gateway.issue('client', ['intents']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const as = (who: TestCredential, method: string, path: string, sent: Sent = {}) =>
  gateway.request(method, path, { ...sent, headers: { ...who.headers, ...sent.headers } });

type Quoted = Extract<CallOutcome<typeof getQuote>, { ok: true }>['value']['quote'];
const at = '2026-02-11T10:05:00.000Z';
const fraction = { from: 'BTC', to: 'USD', numerator: 6_500_012n, denominator: 100n } as const;
const quote: Quoted = {
  quoteId: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
  ...fraction,
  amount: 10_000_000n,
  toAmount: 650_001n,
  sources: ['coinbase'],
  observedAt: at,
  createdAt: at,
  expiresAt: '2026-02-11T10:06:00.000Z',
};
const shown = {
  quote_id: quote.quoteId,
  from: 'BTC',
  to: 'USD',
  rate: { numerator: '6500012', denominator: '100' },
  amount: '0.10',
  to_amount: '6500.01',
  expired: false,
};
const body = { from: 'BTC', to: 'USD', amount: '0.1' };

test('a rate is an exact fraction', async () => {
  gateway.services.respond(getRate)(() => ({
    ok: true,
    value: { rate: { ...fraction, sources: ['coinbase'], observedAt: at } },
  }));
  expect(await as(tenant, 'GET', '/v1/rates?from=BTC&to=USD')).toMatchObject({
    status: 200,
    body: { from: 'BTC', to: 'USD', rate: shown.rate, sources: ['coinbase'], observed_at: at },
  });
  expect(gateway.services.received(getRate)).toEqual([{ mode: 'sandbox', from: 'BTC', to: 'USD' }]);
  for (const bad of ['from=BTC', 'from=BTC&to=DOGE', 'from=BTC&to=USD&amount=1'])
    expect((await as(tenant, 'GET', `/v1/rates?${bad}`)).status).toBe(400);
});

test.each([
  ['pair_not_supported', 400, 'INVALID_REQUEST'],
  ['rate_source_down', 503, 'RATE_UNAVAILABLE'],
  ['rate_not_a_number', 422, 'RATE_NOT_A_NUMBER'],
  ['rate_not_positive', 422, 'RATE_NOT_POSITIVE'],
  ['rate_stale', 422, 'RATE_STALE'],
  ['rate_out_of_range', 422, 'RATE_OUT_OF_RANGE'],
  ['rate_inverted', 422, 'RATE_INVERTED'],
  ['rate_jumped', 422, 'RATE_JUMPED'],
  ['rates_disagree', 422, 'RATES_DISAGREE'],
] as const)('a rate refused with %s is %s, for a quote too', async (rejection, status, code) => {
  gateway.services.respond(getRate)(() => ({ ok: false, rejection }));
  gateway.services.respond(createQuote)(() => ({ ok: false, rejection }));
  for (const answer of [
    await as(tenant, 'GET', '/v1/rates?from=BTC&to=USD'),
    await as(tenant, 'POST', '/v1/quotes', { body }),
  ])
    expect(answer).toMatchObject({ status, body: { code } });
});

test('a quote is issued in minor units, and a repeat says so', async () => {
  gateway.services.respond(createQuote)(({ idempotencyKey }) => ({
    ok: true,
    value: { quote, isExpired: false, replayed: idempotencyKey !== null },
  }));
  const first = await as(tenant, 'POST', '/v1/quotes', { body });
  expect(first).toMatchObject({ status: 201, body: shown });
  expect(first.headers.get('idempotent-replayed')).toBeNull();
  const again = await as(tenant, 'POST', '/v1/quotes', { body, headers: { 'Idempotency-Key': 'K' } });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  const { tenantId } = tenant;
  const asked = { tenantId, mode: 'sandbox', from: 'BTC', to: 'USD', amount: 10_000_000n };
  expect(gateway.services.received(createQuote)).toEqual([
    { ...asked, idempotencyKey: null },
    { ...asked, idempotencyKey: 'K' },
  ]);
});

test('a quote is read by its tenant', async () => {
  gateway.services.respond(getQuote)(() => ({ ok: true, value: { quote, isExpired: true } }));
  const path = `/v1/quotes/${quote.quoteId}`;
  expect(await as(tenant, 'GET', path)).toMatchObject({ status: 200, body: { ...shown, expired: true } });
  gateway.services.respond(getQuote)(() => ({ ok: false, rejection: 'quote_not_found' }));
  expect((await as(tenant, 'GET', path)).status).toBe(404);
  expect((await as(tenant, 'GET', '/v1/quotes/none')).status).toBe(404);
});

test.each([
  ['idempotency_key_reused', 409],
  ['amount_too_small', 400],
  ['amount_too_large', 400],
] as const)('a quote refused with %s is %s', async (rejection, status) => {
  gateway.services.respond(createQuote)(() => ({ ok: false, rejection }));
  expect((await as(tenant, 'POST', '/v1/quotes', { body })).status).toBe(status);
});

test.each(refusedAmountTokens)('a quote of %s is refused by name', async (token) => {
  const raw = `{"from":"SOL","to":"USD","amount":${token}}`;
  expect(await as(tenant, 'POST', '/v1/quotes', { raw })).toMatchObject({ status: 400, body: { field: 'amount' } });
  expect(gateway.services.count()).toBe(0);
});
