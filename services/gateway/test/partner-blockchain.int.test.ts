import { createSend, getPayouts, listWallets, resumePayouts, stopPayouts, walletBalance } from '@daybook/contracts';
import { malformedAmountTokens, refusedAmountTokens, tokensBeyondScale } from '@daybook/testing';
import { GatewayHarness, type TestCredential } from './harness';
import { address, hash, longestDescription, noDescriptions, send, times, type Send } from './partner-facts';

const gateway = new GatewayHarness();
let partner: TestCredential;
let operator: TestCredential;

beforeAll(async () => {
  await gateway.start();
  partner = await gateway.issue('api_key', ['partner']);
  operator = await gateway.issue('token', ['ops']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const get = (path: string, { headers } = partner) => gateway.request('GET', path, { headers });

describe('POST /api/blockchain/transactions', () => {
  const example = { to_address: address, amount: 0.1, description: 'Settlement payment', use_contract: true };
  const post = (body: object | string, headers: Record<string, string> = {}) =>
    gateway.request('POST', '/api/blockchain/transactions', {
      ...(typeof body === 'string' ? { raw: body } : { body }),
      headers: { ...partner.headers, ...headers },
    });
  const sent = (change: Partial<Send> = {}, replayed = false) =>
    gateway.services.respond(createSend)(({ amount }) => ({
      ok: true,
      value: { send: { ...send, amount, status: 'pending', ...change }, replayed },
    }));

  test('the example of the reference is answered with the documented fields', async () => {
    sent();
    const answer = await post(example, { 'Idempotency-Key': 'k1' });
    expect(answer.body).toEqual({
      success: true,
      transaction_id: send.transactionId,
      eth_transaction_hash: hash,
      from_address: send.fromAddress,
      to_address: address,
      amount: 0.1,
      status: 'pending',
    });
    expect(gateway.services.received(createSend)).toEqual([
      {
        tenantId: partner.tenantId,
        mode: 'sandbox',
        idempotencyKey: 'k1',
        asset: 'ETH',
        toAddress: address,
        amount: 100_000_000_000_000_000n,
        useContract: true,
        description: 'Settlement payment',
        userNumber: 7,
      },
    ]);
  });

  test('without the optional fields it is a plain send; without a key each request is one of its own', async () => {
    sent({ hash: null });
    for (const _ of [1, 2])
      expect((await post({ to_address: address, amount: '1' })).body).toMatchObject({ eth_transaction_hash: null });
    const [first, second] = gateway.services.received(createSend);
    expect(first).toMatchObject({ useContract: false, description: null, amount: 10n ** 18n });
    expect(first?.idempotencyKey).toEqual(expect.any(String));
    expect(first?.idempotencyKey).not.toBe(second?.idempotencyKey);
  });

  test.each(noDescriptions)('with the description %j it has none', async (description) => {
    sent();
    expect((await post({ ...example, description })).status).toBe(200);
    expect(gateway.services.received(createSend)[0]?.description).toBeNull();
  });

  test('a description may have 500 characters', async () => {
    sent();
    expect((await post({ ...example, description: longestDescription })).status).toBe(200);
    expect(gateway.services.received(createSend)[0]?.description).toBe(longestDescription);
  });

  test('a repeat says that it is one', async () => {
    sent({}, true);
    expect((await post(example)).headers.get('idempotent-replayed')).toBe('true');
  });

  test('wei are read and written digit by digit', async () => {
    sent();
    for (const token of [
      '0.000000000000000001',
      '999999999999999999.999999999999999999',
      '"0.10"',
      '9007199254740993',
    ]) {
      const answer = await post(`{"to_address":"${address}","amount":${token}}`);
      const digits = token.replaceAll('"', '');
      const [whole = '', fraction = ''] = digits.split('.');
      expect([token, answer.status]).toEqual([token, 200]);
      expect(gateway.services.received(createSend).at(-1)?.amount).toBe(BigInt(whole + fraction.padEnd(18, '0')));
      expect(answer.text).toContain(`"amount":${fraction === '' ? `${digits}.00` : digits},`);
    }
  });

  test('what is no amount reaches no service', async () => {
    sent();
    const send18 = (token: string) => post(`{"to_address":"${address}","amount":${token}}`);
    for (const token of [...refusedAmountTokens, ...tokensBeyondScale(18)])
      expect([token, await send18(token)]).toMatchObject([token, { status: 400, body: { field: 'amount' } }]);
    for (const token of malformedAmountTokens) expect([token, (await send18(token)).status]).toEqual([token, 400]);
    expect(gateway.services.received(createSend)).toEqual([]);
  });

  test.each([
    ['address_invalid', 400, 'to_address'],
    ['contract_not_available', 400, 'use_contract'],
    ['idempotency_key_reused', 409, 'Idempotency-Key'],
    ['asset_not_supported', 422, undefined],
    ['limit_exceeded', 422, undefined],
    ['wallet_funds_insufficient', 422, 'amount'],
    ['insufficient_balance', 422, 'amount'],
    ['account_frozen', 409, undefined],
  ] as const)('%s is told', async (rejection, status, field) => {
    gateway.services.respond(createSend)(() => ({ ok: false, rejection }));
    const { body, ...answer } = await post(example);
    expect([answer.status, body.success, body.field]).toEqual([status, false, field]);
  });

  test.each([
    ['to_address', { to_address: '' }],
    ['to_address', { to_address: 5 }],
    ['use_contract', { use_contract: 'true' }],
    ['description', { description: 'a\u0000b' }],
    ['description', { description: `${longestDescription}d` }],
    ['chain', { chain: 'evm' }],
  ])('refuses a bad %s', async (field, change) => {
    const answer = await post({ ...example, ...change });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST', field } });
  });
});

test('the Ethereum balance is an exact number, and whole wei as text', async () => {
  gateway.services.respond(walletBalance)(() => ({
    ok: true,
    value: { address, balance: 1_250_000_000_000_000_001n },
  }));
  const answer = await get('/api/blockchain/balance');
  expect(answer.text).toBe(
    `{"success":true,"address":"${address}","balance_eth":1.250000000000000001,"balance_wei":"1250000000000000001"}`,
  );
  expect(gateway.services.received(walletBalance)).toEqual([
    { tenantId: partner.tenantId, mode: 'sandbox', asset: 'ETH' },
  ]);
  gateway.services.respond(walletBalance)(() => ({ ok: false, rejection: 'asset_not_supported' }));
  expect(await get('/api/blockchain/balance')).toMatchObject({ status: 422, body: { success: false } });
});

test('operators stop payouts of their mode with a reason, and resume what they have seen', async () => {
  const at = times.updatedAt;
  const stops = [{ number: 1, reason: 'a key leaked', actor: 'key', at }];
  const waiting = { sends: 2, transfers: 1 };
  gateway.services.respond(getPayouts)(() => ({ ok: true, value: { stops: [], waiting } }));
  gateway.services.respond(stopPayouts)(() => ({ ok: true, value: { stops, waiting } }));
  gateway.services.respond(resumePayouts)(({ seen }) =>
    seen < 2 ? { ok: false, rejection: 'stopped_again' } : { ok: true, value: { stops: [], waiting } },
  );
  const shown = { stopped: false, stops: [], waiting_sends: 2, waiting_transfers: 1 };
  expect((await get('/v1/ops/payouts', operator)).body).toEqual(shown);
  const post = (path: string, body: object, { headers } = operator) =>
    gateway.request('POST', `/v1/ops/payouts/${path}`, { headers, body });
  expect((await post('stop', { reason: 'a key leaked' })).body).toEqual({ ...shown, stopped: true, stops });
  expect(gateway.services.received(stopPayouts)).toEqual([
    { mode: 'sandbox', reason: 'a key leaked', actor: expect.any(String) },
  ]);
  expect(await post('resume', { last_seen: 1 })).toMatchObject({ status: 409, body: { code: 'STOPPED_AGAIN' } });
  expect((await post('resume', { last_seen: 2 })).body).toEqual(shown);
  for (const [path, body, field] of [
    ['stop', {}, 'reason'],
    ['stop', { reason: '' }, 'reason'],
    ['stop', { reason: 'x'.repeat(501) }, 'reason'],
    ['resume', { last_seen: 0 }, 'last_seen'],
    ['resume', { last_seen: '1' }, 'last_seen'],
  ] as const)
    expect(await post(path, body)).toMatchObject({ status: 400, body: { field } });
  for (const path of ['stop', 'resume']) expect((await post(path, {}, partner)).status).toBe(403);
});

test('operators see the hot wallets of their mode, with what differs', async () => {
  const wallet = {
    walletId: partner.tenantId,
    tenantId: partner.tenantId,
    chain: 'evm',
    family: 'evm' as const,
    address,
    asset: 'ETH' as const,
    onChain: 10n ** 18n,
    inLedger: 10n ** 18n + 1n,
    difference: -1n,
    underway: 2,
    at: times.updatedAt,
  };
  const unknown = { onChain: null, inLedger: null, difference: null, at: null };
  gateway.services.respond(listWallets)(() => ({
    ok: true,
    value: {
      wallets: [
        { ...wallet, mode: 'sandbox' },
        { ...wallet, mode: 'live' },
        { ...wallet, mode: 'sandbox', ...unknown },
      ],
    },
  }));
  const shown = {
    wallet_id: partner.tenantId,
    tenant_id: partner.tenantId,
    mode: 'sandbox',
    chain: 'evm',
    family: 'evm',
    address,
    asset: 'ETH',
    on_chain: '1.00',
    in_ledger: '1.000000000000000001',
    difference: '-0.000000000000000001',
    underway: 2,
    at: times.updatedAt,
  };
  expect((await get('/v1/ops/wallets', operator)).body).toEqual({
    wallets: [shown, { ...shown, on_chain: null, in_ledger: null, difference: null, at: null }],
  });
  expect((await get('/v1/ops/wallets')).status).toBe(403);
});
