import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createQuote, getQuote, getRate, type CallRequest } from '@daybook/contracts';
import { callClient } from '@daybook/http';
import { Secret } from '@daybook/runtime';
import { fakeClock, testDatabase, testLogger, testTransport } from '@daybook/testing';
import { createService, loadConfig } from '../src';

const tenantId = '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11';
const token = 'internal-token-of-the-rates-tests-only';
const now = fakeClock('2026-03-01T10:00:00.000Z');

/** What both exchanges say on the wire, in the shapes that they answered with when they were asked for Bitcoin. */
const exchanges = {
  coinbase: '65000.12',
  kraken: '65010.00000',
  ageS: 0,
  down: new Set<string>(),
  asked: [] as string[],
};

function answerOf(url: URL): unknown {
  if (url.pathname === '/v2/exchange-rates') {
    const currency = url.searchParams.get('currency');
    return { data: { currency, rates: { AED: '238711.04', EUR: '59800.5', USD: exchanges.coinbase, ETH: '26.1' } } };
  }
  if (url.searchParams.get('pair') !== 'XBTUSD') return { error: ['EQuery:Unknown asset pair'] };
  return {
    error: [],
    result: {
      XXBTZUSD: {
        a: [exchanges.kraken, '1', '1.000'],
        b: ['65009.90000', '1', '1.000'],
        c: ['65010.00000', '0.00153846'],
        v: ['1068.24470514', '2087.61430148'],
        p: ['65120.28110', '64980.51430'],
        t: [22718, 45114],
        l: ['64122.10000', '63800.00000'],
        h: ['66000.00000', '66000.00000'],
        o: '64770.10000',
      },
    },
  };
}

async function startExchanges() {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://exchange');
    const which = url.pathname.startsWith('/v2/') ? 'coinbase' : 'kraken';
    exchanges.asked.push(`${which} ${url.search}`);
    const headers = { 'content-type': 'application/json', date: now().toUTCString(), age: String(exchanges.ageS) };
    response.writeHead(exchanges.down.has(which) ? 502 : 200, headers).end(JSON.stringify(answerOf(url)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, stop: () => new Promise((resolve) => server.close(resolve)) };
}

async function ratesRig() {
  const [database, wire] = [await testDatabase(), await startExchanges()];
  const { logger } = testLogger();
  const transport = testTransport(database.url, logger);
  await transport.start();
  const fatal: unknown[] = [];
  const config = loadConfig({
    DATABASE_URL: database.url,
    INTERNAL_TOKEN: token,
    CHAIN_WATCHER_URL: 'http://127.0.0.1:1',
    SECRETS_KEY: randomBytes(32).toString('base64'),
    PERSONAL_DATA_KEY: randomBytes(32).toString('base64'),
    COINBASE_RATES_URL: wire.url,
    KRAKEN_URL: wire.url,
    QUOTE_TTL_MS: '60000',
  });
  const service = createService(config, { transport, logger, now, onFatal: (error) => fatal.push(error) });
  const { url } = await service.start();
  const call = callClient({ baseUrl: url, token: new Secret(token) });
  return {
    call,
    forget: () => database.pool('intents').query('delete from last_rates'),
    close: async () => {
      await call.stop();
      await service.stop();
      await transport.stop();
      await wire.stop();
      await database.drop();
      expect(fatal).toEqual([]);
    },
  };
}

let rig: Awaited<ReturnType<typeof ratesRig>>;
beforeAll(async () => {
  rig = await ratesRig();
});
afterAll(() => rig.close());
beforeEach(async () => {
  await rig.forget();
  now.advance(60_000);
  Object.assign(exchanges, { coinbase: '65000.12', kraken: '65010.00000', ageS: 0, down: new Set(), asked: [] });
});

const rate = (request: Partial<CallRequest<typeof getRate>> = {}) =>
  rig.call(getRate, { mode: 'live', from: 'BTC', to: 'USD', ...request });
const quote = (request: Partial<CallRequest<typeof createQuote>> = {}) =>
  rig.call(createQuote, {
    tenantId,
    mode: 'live',
    from: 'BTC',
    to: 'USD',
    amount: 10_000_000n,
    idempotencyKey: null,
    ...request,
  });

test('a rate is half-way between both exchanges, exactly, and is used again for a while', async () => {
  const told = { from: 'BTC', to: 'USD', numerator: 3_250_253n, denominator: 50n, sources: ['coinbase', 'kraken'] };
  expect(await rate()).toMatchObject({ ok: true, value: { rate: { ...told, observedAt: now().toISOString() } } });
  expect(exchanges.asked.toSorted()).toEqual(['coinbase ?currency=BTC', 'kraken ?pair=XBTUSD']);
  now.advance(15_000);
  expect(await rate()).toMatchObject({ value: { rate: told } });
  expect(exchanges.asked).toHaveLength(2);
  now.advance(1_000);
  await rate();
  expect(exchanges.asked).toHaveLength(4);
});

test.each([
  ['zero', { coinbase: '0', kraken: '0.00' }, 'rate_not_positive'],
  ['negative', { coinbase: '-65000', kraken: '-65000' }, 'rate_not_positive'],
  ['NaN', { coinbase: 'NaN', kraken: 'NaN' }, 'rate_not_a_number'],
  ['10^12 times', { coinbase: '65000000000000000', kraken: '65000000000000000' }, 'rate_out_of_range'],
  ['a 10^12th', { coinbase: '0.000000065', kraken: '0.000000065' }, 'rate_inverted'],
  ['1/rate', { coinbase: '0.0000153846', kraken: '0.0000153846' }, 'rate_inverted'],
  ['three times', { coinbase: '195000', kraken: '195000' }, 'rate_jumped'],
  ['one hour old', { ageS: 3_600 }, 'rate_stale'],
  ['of two minds', { coinbase: '65000', kraken: '69000' }, 'rates_disagree'],
  ['down', { down: new Set(['coinbase', 'kraken']) }, 'rate_source_down'],
])('a rate that is %s is refused, and no quote is made of it', async (_name, change, rejection) => {
  expect(await rate()).toMatchObject({ ok: true });
  now.advance(60_000);
  Object.assign(exchanges, change);
  expect(await rate()).toEqual({ ok: false, rejection });
  expect(await quote()).toEqual({ ok: false, rejection });
});

test('of two sources, one that is down or says nonsense is left out', async () => {
  exchanges.down.add('kraken');
  expect(await rate()).toMatchObject({ value: { rate: { sources: ['coinbase'], numerator: 1_625_003n } } });
  now.advance(60_000);
  Object.assign(exchanges, { down: new Set(), coinbase: '0' });
  expect(await rate()).toMatchObject({ value: { rate: { sources: ['kraken'], numerator: 65_010n } } });
  now.advance(60_000);
  // What only one of them trades, and the other way round.
  Object.assign(exchanges, { coinbase: '0.00001538' });
  expect(await rate({ from: 'USD', to: 'BTC' })).toMatchObject({
    value: { rate: { sources: ['kraken'], denominator: 65_010n } },
  });
  expect(await rate({ to: 'EUR' })).toMatchObject({ value: { rate: { sources: ['coinbase'], numerator: 119_601n } } });
  exchanges.down.add('coinbase');
  expect(await rate({ to: 'GBP' })).toEqual({ ok: false, rejection: 'rate_source_down' });
  for (const pair of [{ from: 'TXC' }, { to: 'BTC' }, { from: 'USDT_SOL', to: 'USDT_TRC20' }] as const)
    expect(await rate(pair)).toEqual({ ok: false, rejection: 'pair_not_supported' });
});

test('a quote keeps its rate, is the same for a repeat, and says when it has expired', async () => {
  const request = { idempotencyKey: randomUUID() };
  const first = await quote(request);
  expect(first).toMatchObject({ value: { quote: { amount: 10_000_000n, toAmount: 650_050n }, replayed: false } });
  if (!first.ok) throw new Error(first.rejection);
  const { quote: made } = first.value;
  expect(Date.parse(made.expiresAt) - Date.parse(made.createdAt)).toBe(60_000);
  exchanges.down = new Set(['coinbase', 'kraken']);
  now.advance(59_999);
  expect(await quote(request)).toEqual({ ok: true, value: { quote: made, isExpired: false, replayed: true } });
  now.advance(1);
  expect(await quote(request)).toEqual({ ok: true, value: { quote: made, isExpired: true, replayed: true } });
  expect(await quote({ ...request, amount: 1n })).toMatchObject({ rejection: 'idempotency_key_reused' });
  const read = { tenantId, mode: 'live', quoteId: made.quoteId } as const;
  expect(await rig.call(getQuote, read)).toEqual({ ok: true, value: { quote: made, isExpired: true } });
  for (const foreign of [
    { ...read, tenantId: randomUUID() },
    { ...read, mode: 'sandbox' as const },
    { ...read, quoteId: 'x' },
  ])
    expect(await rig.call(getQuote, foreign)).toEqual({ ok: false, rejection: 'quote_not_found' });
});

test('the sandbox has fixed rates for every pair, and asks nobody', async () => {
  expect(await rate({ mode: 'sandbox', from: 'EUR', to: 'GBP' })).toMatchObject({
    value: { rate: { numerator: 22n, denominator: 25n, sources: ['fixed'] } },
  });
  expect(await quote({ mode: 'sandbox', from: 'INR', to: 'BTC', amount: 1_000n })).toMatchObject({
    value: { quote: { toAmount: 250n } },
  });
  expect(await quote({ mode: 'sandbox', from: 'USDT_TRC20', to: 'USD', amount: 9_999n })).toMatchObject({
    rejection: 'amount_too_small',
  });
  expect(exchanges.asked).toEqual([]);
});
