import { randomUUID } from 'node:crypto';
import {
  chainStatus,
  listDeliveries,
  listEndpoints,
  listIntents,
  redeliver,
  registerEndpoint,
  removeEndpoint,
  reverseTransfer,
  rotateSecret,
  setAccountFrozen,
  simulateDeposit,
  type CallContract,
} from '@daybook/contracts';
import { codeFrom } from '@daybook/runtime';
import { refusedAmountTokens } from '@daybook/testing';
import { GatewayHarness, type Sent, type TestCredential } from './harness';

const at = '2026-02-11T10:00:00.000Z';
const gateway = new GatewayHarness();
let tenant: TestCredential;
let operator: TestCredential;

beforeAll(async () => {
  await gateway.start();
  tenant = await gateway.issue('client', ['intents', 'webhooks', 'ledger:read']);
  operator = await gateway.issue('token', ['ops']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const as = (who: TestCredential, method: string, path: string, sent: Sent = {}) =>
  gateway.request(method, path, { ...sent, headers: { ...who.headers, ...sent.headers } });
const refusing = <Call extends CallContract>(call: Call, rejection: string) =>
  gateway.services.respond(call)(() => ({ ok: false, rejection }) as never);

describe('sandbox deposits', () => {
  const deposit = { address: 'TADDRESS', asset: 'USDT_TRC20', amount: '99.50' };
  const send = (sent: Sent = { body: deposit }) => as(tenant, 'POST', '/v1/sandbox/deposits', sent);
  beforeEach(() =>
    gateway.services.respond(simulateDeposit)(() => ({
      ok: true,
      value: { chain: 'tron-sandbox', transactionId: 'tx1', blockNumber: 7 },
    })),
  );

  test('are put on the chain of the asset, each without a key anew', async () => {
    expect(await send()).toMatchObject({
      status: 201,
      body: { chain: 'tron-sandbox', transaction_id: 'tx1', block_number: 7 },
    });
    await send({ body: { address: 'upi://pay?tr=1', asset: 'UPI', amount: '5.00' } });
    const [first, second] = gateway.services.received(simulateDeposit);
    expect(first).toMatchObject({ tenantId: tenant.tenantId, asset: 'USDT_TRC20', amount: 99_500_000n });
    expect(second).toMatchObject({ asset: 'INR', amount: 500n });
    expect(first?.depositKey).not.toBe(second?.depositKey);
  });

  test('with a key are the same deposit for this tenant, and another for others', async () => {
    const other = await gateway.issue('client', ['intents']);
    const headers = { 'Idempotency-Key': 'once' };
    await send({ body: deposit, headers });
    await send({ body: deposit, headers });
    await as(other, 'POST', '/v1/sandbox/deposits', { body: deposit, headers });
    const keys = gateway.services.received(simulateDeposit).map(({ depositKey }) => depositKey);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  test('are not for live credentials', async () => {
    const live = await gateway.issue('client', ['intents'], { mode: 'live' });
    expect(await as(live, 'POST', '/v1/sandbox/deposits', { body: deposit })).toMatchObject({
      status: 403,
      body: { code: 'SANDBOX_ONLY' },
    });
    expect(gateway.services.count()).toBe(0);
  });

  test.each(refusedAmountTokens)('refuse the amount %s by name', async (token) => {
    const raw = `{"address":"T","asset":"SOL","amount":${token}}`;
    expect(await send({ raw })).toMatchObject({ status: 400, body: { field: 'amount' } });
    expect(gateway.services.count()).toBe(0);
  });

  test('to an address with a null character are refused by name', async () => {
    const raw = '{"address":"a\\u0000b","asset":"SOL","amount":"1"}';
    expect(await send({ raw })).toMatchObject({ status: 400, body: { field: 'address' } });
    expect(gateway.services.count()).toBe(0);
  });

  test.each([
    ['address_not_found', 404],
    ['asset_not_simulated', 400],
    ['deposit_exists_with_different_fields', 409],
  ])('refused with %s are %s', async (rejection, status) => {
    refusing(simulateDeposit, rejection);
    expect((await send()).status).toBe(status);
  });
});

describe('webhook endpoints', () => {
  const endpointId = randomUUID();
  const endpoint = {
    endpointId,
    url: 'https://merchant.com/webhook',
    events: ['intent.settled'],
    dialect: 'intents',
    status: 'enabled',
    createdAt: at,
    previousSecretUntil: null,
  } as const;
  const stored = { ...endpoint, events: [...endpoint.events] };
  const shown = {
    id: endpointId,
    url: endpoint.url,
    events: ['intent.settled'],
    status: 'enabled',
    created_at: at,
    previous_secret_until: null,
  };

  test('are registered for the dialect of their events', async () => {
    gateway.services.respond(registerEndpoint)(() => ({ ok: true, value: { endpoint: stored, secret: 'whsec_x' } }));
    const register = (events: string[]) =>
      as(tenant, 'POST', '/v1/webhook-endpoints', { body: { url: endpoint.url, events } });
    expect(await register(['intent.settled', 'intent.settled'])).toMatchObject({
      status: 201,
      body: { ...shown, secret: 'whsec_x' },
    });
    await register(['transfer.confirmed']);
    expect(gateway.services.received(registerEndpoint)).toMatchObject([
      { dialect: 'intents', accountId: null, events: ['intent.settled'], tenantId: tenant.tenantId },
      { dialect: 'pay', accountId: null },
    ]);
    expect(await register(['intent.paid', 'transfer.failed'])).toMatchObject({
      status: 400,
      body: { field: 'events' },
    });
    expect(await register([])).toMatchObject({ status: 400, body: { field: 'events' } });
  });

  test('tell of transactions to holders of the scope partner, and of nothing else beside them', async () => {
    gateway.services.respond(registerEndpoint)(() => ({ ok: true, value: { endpoint: stored, secret: 'whsec_x' } }));
    const partner = await gateway.issue('api_key', ['partner', 'webhooks']);
    const register = (who: TestCredential, events: string[]) =>
      as(who, 'POST', '/v1/webhook-endpoints', { body: { url: endpoint.url, events } });
    const events = ['pending', 'processing', 'completed', 'failed', 'refunded'].map(
      (status) => `transaction.${status}`,
    );
    expect((await register(partner, events)).status).toBe(201);
    expect(await register(tenant, events)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    for (const other of ['intent.paid', 'transfer.failed', 'transaction.returned'])
      expect(await register(partner, ['transaction.completed', other])).toMatchObject({
        status: 400,
        body: { field: expect.stringMatching(/^events/) },
      });
    expect(gateway.services.received(registerEndpoint)).toMatchObject([
      { dialect: 'partner', accountId: null, events, tenantId: partner.tenantId },
    ]);
  });

  test('tell of intents to holders of the scope intents only, and of transfers to all', async () => {
    gateway.services.respond(registerEndpoint)(() => ({ ok: true, value: { endpoint: stored, secret: 'whsec_x' } }));
    const other = await gateway.issue('basic', ['merchant', 'webhooks']);
    const register = (events: string[]) =>
      as(other, 'POST', '/v1/webhook-endpoints', { body: { url: endpoint.url, events } });
    expect(await register(['intent.settled'])).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect((await register(['transfer.confirmed'])).status).toBe(201);
    expect(gateway.services.received(registerEndpoint)).toMatchObject([{ dialect: 'pay', accountId: null }]);
  });

  test('of a credential that acts for a wallet are those of the wallet, and tell of its transfers only', async () => {
    gateway.services.respond(registerEndpoint)(() => ({ ok: true, value: { endpoint: stored, secret: 'whsec_x' } }));
    gateway.services.respond(listEndpoints)(() => ({ ok: true, value: { endpoints: [stored] } }));
    gateway.services.respond(removeEndpoint)(() => ({ ok: true, value: {} }));
    const wallet = await gateway.issue('token', ['pay', 'webhooks', 'intents', 'partner'], { walletId: 'WALLET123' });
    const register = (events: string[]) =>
      as(wallet, 'POST', '/v1/webhook-endpoints', { body: { url: endpoint.url, events } });
    for (const event of ['intent.settled', 'transaction.completed'])
      expect(await register([event])).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect((await register(['transfer.confirmed'])).status).toBe(201);
    const { tenantId } = wallet;
    expect(gateway.services.received(registerEndpoint)).toMatchObject([
      { tenantId, dialect: 'pay', accountId: 'WALLET123' },
    ]);
    await as(wallet, 'GET', '/v1/webhook-endpoints');
    expect(gateway.services.received(listEndpoints)).toMatchObject([{ tenantId, accountId: 'WALLET123' }]);
    await as(wallet, 'DELETE', `/v1/webhook-endpoints/${endpointId}`);
    expect(gateway.services.received(removeEndpoint)).toMatchObject([{ tenantId, accountId: 'WALLET123', endpointId }]);
    refusing(listDeliveries, 'endpoint_not_found');
    refusing(redeliver, 'delivery_not_found');
    await as(wallet, 'GET', `/v1/webhook-endpoints/${endpointId}/deliveries`);
    await as(wallet, 'POST', `/v1/webhook-deliveries/${endpointId}/redeliver`);
    expect(gateway.services.received(listDeliveries)).toMatchObject([{ tenantId, accountId: 'WALLET123' }]);
    expect(gateway.services.received(redeliver)).toMatchObject([{ tenantId, accountId: 'WALLET123' }]);
  });

  test('are listed without secrets, removed, and asked for their deliveries', async () => {
    gateway.services.respond(listEndpoints)(() => ({ ok: true, value: { endpoints: [stored] } }));
    expect((await as(tenant, 'GET', '/v1/webhook-endpoints')).body).toEqual({ endpoints: [shown] });
    gateway.services.respond(removeEndpoint)(() => ({ ok: true, value: {} }));
    expect(await as(tenant, 'DELETE', `/v1/webhook-endpoints/${endpointId}`)).toMatchObject({ status: 204, text: '' });
    const deliveryId = randomUUID();
    const delivery = { deliveryId, event: 'intent.settled', subject: 's', status: 'pending', attempts: 1 } as const;
    gateway.services.respond(listDeliveries)(() => ({
      ok: true,
      value: {
        deliveries: [{ ...delivery, lastError: 'timeout', nextAttemptAt: at, createdAt: at }],
        nextCursor: 'more',
      },
    }));
    expect(await as(tenant, 'GET', `/v1/webhook-endpoints/${endpointId}/deliveries?limit=1`)).toMatchObject({
      body: { deliveries: [{ id: deliveryId, last_error: 'timeout' }], next_cursor: 'more' },
    });
    gateway.services.respond(redeliver)(() => ({ ok: true, value: { deliveryId } }));
    expect(await as(tenant, 'POST', `/v1/webhook-deliveries/${deliveryId}/redeliver`)).toMatchObject({
      status: 202,
      body: { id: deliveryId },
    });
  });

  test('and deliveries are found by their ids in capitals too', async () => {
    refusing(rotateSecret, 'endpoint_not_found');
    refusing(removeEndpoint, 'endpoint_not_found');
    refusing(listDeliveries, 'endpoint_not_found');
    refusing(redeliver, 'delivery_not_found');
    const spelled = endpointId.toUpperCase();
    const headers = { 'Idempotency-Key': 'k1' };
    await as(tenant, 'POST', `/v1/webhook-endpoints/${spelled}/rotate-secret`, { headers, body: {} });
    await as(tenant, 'DELETE', `/v1/webhook-endpoints/${spelled}`);
    await as(tenant, 'GET', `/v1/webhook-endpoints/${spelled}/deliveries`);
    await as(tenant, 'POST', `/v1/webhook-deliveries/${spelled}/redeliver`);
    for (const call of [rotateSecret, removeEndpoint, listDeliveries])
      expect(gateway.services.received(call)).toMatchObject([{ endpointId }]);
    expect(gateway.services.received(redeliver)).toMatchObject([{ deliveryId: endpointId }]);
  });

  describe('rotate their secret', () => {
    const path = `/v1/webhook-endpoints/${endpointId}/rotate-secret`;
    const until = '2026-02-12T10:00:00.000Z';
    const keyed = (key: string, body: unknown = {}): Sent => ({ headers: { 'Idempotency-Key': key }, body });
    const rotationIds = () => gateway.services.received(rotateSecret).map(({ rotationId }) => rotationId);
    beforeEach(() =>
      gateway.services.respond(rotateSecret)(() => ({
        ok: true,
        value: { endpoint: stored, secret: 'whsec_new', previousUntil: until, replayed: false },
      })),
    );

    test('which is shown with the time that the earlier one ends, a day from then unless told otherwise', async () => {
      const reply = await as(tenant, 'POST', path, keyed('K1'));
      expect(reply).toMatchObject({
        status: 200,
        body: { ...shown, secret: 'whsec_new', previous_secret_until: until },
      });
      expect(reply.headers.get('Idempotent-Replayed')).toBeNull();
      for (const hours of [0, 168]) await as(tenant, 'POST', path, keyed(`K-${hours}`, { overlap_hours: hours }));
      const asked = {
        tenantId: tenant.tenantId,
        mode: 'sandbox',
        accountId: null,
        endpointId,
        dialects: ['pay', 'intents'],
      };
      expect(gateway.services.received(rotateSecret)).toMatchObject(
        [24, 0, 168].map((overlapHours) => ({ ...asked, overlapHours })),
      );
    });

    test('under an id that caller, endpoint and key determine; a repeat says so', async () => {
      const wallet = await gateway.issue('token', ['pay', 'webhooks'], {
        walletId: 'WALLET123',
        tenantId: tenant.tenantId,
      });
      const another = path.replace(endpointId, randomUUID());
      for (const [who, where, key] of [
        [tenant, path, 'K1'],
        [tenant, path, 'K1'],
        [tenant, path, 'K2'],
        [tenant, another, 'K1'],
        [wallet, path, 'K1'],
      ] as const)
        await as(who, 'POST', where, keyed(key));
      const [first, repeat, ...others] = rotationIds();
      expect(repeat).toBe(first);
      expect(new Set([first, ...others]).size).toBe(4);
      expect(gateway.services.received(rotateSecret).at(-1)).toMatchObject({
        accountId: 'WALLET123',
        dialects: ['pay'],
      });
      gateway.services.respond(rotateSecret)(() => ({
        ok: true,
        value: { endpoint: stored, secret: 'whsec_new', previousUntil: null, replayed: true },
      }));
      const reply = await as(tenant, 'POST', path, keyed('K1', { overlap_hours: 0 }));
      expect(reply.headers.get('Idempotent-Replayed')).toBe('true');
      expect(reply.body).toMatchObject({ secret: 'whsec_new', previous_secret_until: null });
    });

    test.each([
      ['overlap_hours', keyed('K1', { overlap_hours: 169 })],
      ['overlap_hours', keyed('K1', { overlap_hours: -1 })],
      ['overlap_hours', keyed('K1', { overlap_hours: 1.5 })],
      ['overlap_hours', keyed('K1', { overlap_hours: '24' })],
      ['overlap', keyed('K1', { overlap: 24 })],
      ['Idempotency-Key', { body: {} }],
      ['Idempotency-Key', keyed('with space')],
    ])('is refused for %s of %j', async (field, sent) => {
      expect(await as(tenant, 'POST', path, sent)).toMatchObject({
        status: 400,
        body: { code: 'INVALID_REQUEST', field },
      });
      expect(rotationIds()).toEqual([]);
    });

    test.each([
      ['endpoint_not_found', 404, 'ENDPOINT_NOT_FOUND'],
      ['dialect_not_allowed', 403, 'FORBIDDEN'],
      ['rotation_exists_with_different_fields', 409, 'IDEMPOTENCY_KEY_REUSED'],
      ['rotation_superseded', 409, 'ROTATION_SUPERSEDED'],
      ['secrets_exhausted', 409, 'SECRETS_EXHAUSTED'],
    ])('is refused as %s with %i', async (rejection, status, code) => {
      refusing(rotateSecret, rejection);
      const reply = await as(tenant, 'POST', path, keyed('K1'));
      expect(reply).toMatchObject({ status, body: { code } });
      expect(reply.headers.get('content-type')).toContain('application/problem+json');
    });

    test('is for the scope webhooks, and of an endpoint that could be one', async () => {
      const other = await gateway.issue('client', ['intents']);
      expect((await as(other, 'POST', path, keyed('K1'))).status).toBe(403);
      expect((await gateway.request('POST', path, keyed('K1'))).status).toBe(401);
      expect((await as(tenant, 'POST', path.replace(endpointId, 'nonsense'), keyed('K1'))).status).toBe(404);
      expect(rotationIds()).toEqual([]);
    });
  });

  test.each([
    ['endpoint_not_found', 'DELETE', `/v1/webhook-endpoints/${endpointId}`, 404, removeEndpoint],
    ['endpoint_not_found', 'DELETE', '/v1/webhook-endpoints/nonsense', 404, removeEndpoint],
    ['endpoint_not_found', 'GET', `/v1/webhook-endpoints/${endpointId}/deliveries`, 404, listDeliveries],
    ['cursor_invalid', 'GET', `/v1/webhook-endpoints/${endpointId}/deliveries?cursor=x`, 400, listDeliveries],
    ['delivery_not_found', 'POST', `/v1/webhook-deliveries/${endpointId}/redeliver`, 404, redeliver],
    ['endpoint_disabled', 'POST', `/v1/webhook-deliveries/${endpointId}/redeliver`, 409, redeliver],
  ] as const)('%s of %s %s is %s', async (rejection, method, path, status, call) => {
    refusing(call as CallContract, rejection);
    const reply = await as(tenant, method, path);
    expect(reply.status).toBe(status);
    expect(reply.headers.get('content-type')).toContain('application/problem+json');
  });
});

describe('operations', () => {
  test('freeze, unfreeze and reverse in the name of the credential', async () => {
    gateway.services.respond(setAccountFrozen)(() => ({ ok: true, value: {} }));
    gateway.services.respond(reverseTransfer)(({ transferId }) => ({
      ok: true,
      value: {
        transferId,
        transactionId: `reversal:${transferId}`,
        at: '2026-02-11T10:06:10.000Z',
        ledgerReference: `0x${'cd'.repeat(32)}`,
        replayed: false,
      },
    }));
    expect((await as(operator, 'POST', '/v1/ops/accounts/W1/freeze')).body).toEqual({
      account_id: 'W1',
      frozen: true,
      dry_run: false,
    });
    expect((await as(operator, 'POST', '/v1/ops/accounts/W1/unfreeze')).body).toMatchObject({ frozen: false });
    expect((await as(operator, 'POST', '/v1/ops/transfers/TX1/reverse')).body).toEqual({
      transaction_id: 'TX1',
      reversal_id: 'reversal:TX1',
      posted_at: '2026-02-11T10:06:10.000Z',
      ledger_reference: `0x${'cd'.repeat(32)}`,
      dry_run: false,
    });
    const actor = operator.credentialId;
    expect(gateway.services.received(setAccountFrozen)).toEqual([
      { mode: 'sandbox', accountId: 'W1', frozen: true, actor, dryRun: false },
      { mode: 'sandbox', accountId: 'W1', frozen: false, actor, dryRun: false },
    ]);
    const reversalId = expect.stringMatching(/^RV/);
    expect(gateway.services.received(reverseTransfer)).toEqual([
      { mode: 'sandbox', reversalId, transferId: 'TX1', actor, dryRun: false },
    ]);
  });

  test('freeze and unfreeze under an id that tenant, verb, account and key determine', async () => {
    const replayed = new Set<string>();
    gateway.services.respond(setAccountFrozen)(({ changeId = '' }) => {
      const known = replayed.has(changeId);
      replayed.add(changeId);
      return { ok: true, value: { replayed: known } };
    });
    const ask = (verb: string, id: string, key: string) =>
      as(operator, 'POST', `/v1/ops/accounts/${id}/${verb}`, { headers: { 'Idempotency-Key': key } });
    const replies = [
      await ask('freeze', 'W1', 'K'),
      await ask('unfreeze', 'W1', 'K'),
      await ask('freeze', 'W2', 'K'),
      await ask('freeze', 'W1', 'L'),
      await ask('freeze', 'W1', 'K'),
    ];
    expect(replies.map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, null, null, null, 'true']);
    const [first] = gateway.services.received(setAccountFrozen);
    expect(first?.changeId).toBe(codeFrom('FZ', [operator.tenantId, 'ops.freeze', 'W1', 'K']));
    expect(await ask('freeze', 'W1', 'a b')).toMatchObject({ status: 400, body: { field: 'Idempotency-Key' } });
  });

  test('reverse also by a ledger of an earlier release, which does not tell the id and the time', async () => {
    gateway.services.respond(reverseTransfer)(({ transferId }) => ({
      ok: true,
      value: { transferId, ledgerReference: `0x${'cd'.repeat(32)}`, replayed: false },
    }));
    expect(await as(operator, 'POST', '/v1/ops/transfers/TX1/reverse')).toMatchObject({
      status: 200,
      body: { transaction_id: 'TX1', reversal_id: null, posted_at: null },
    });
  });

  test.each([
    ['/v1/ops/accounts/W1/freeze', setAccountFrozen, { account_id: 'W1', frozen: true }],
    ['/v1/ops/accounts/W1/unfreeze', setAccountFrozen, { account_id: 'W1', frozen: false }],
    ['/v1/ops/transfers/TX1/reverse', reverseTransfer, { transaction_id: 'TX1', ledger_reference: null }],
  ] as const)('%s only asks in a dry run', async (path, call, shown) => {
    gateway.services.respond(call as CallContract)(() => ({
      ok: true,
      value: { transferId: 'TX1', ledgerReference: null, replayed: false },
    }));
    const body = { dry_run: true };
    expect(await as(operator, 'POST', path, { body })).toMatchObject({ status: 200, body: { ...shown, ...body } });
    expect(gateway.services.received(call)).toMatchObject([{ dryRun: true }]);
  });

  test.each([
    ['POST', '/v1/ops/transfers/TX1/reverse', 'amount'],
    ['POST', '/v1/ops/accounts/W1/freeze', 'amount'],
    ['POST', '/v1/ops/accounts/W1/unfreeze', 'amount'],
    ['POST', `/v1/ops/checks/${randomUUID()}/cancel`, 'dry_run'],
  ])('%s %s with a field %s that it does not know is refused, and nobody is asked', async (method, path, field) => {
    const body = { [field]: '1.00' };
    expect(await as(operator, method, path, { body })).toMatchObject({ status: 400, body: { field } });
    expect(gateway.services.count()).toBe(0);
  });

  test('reverse under an id that tenant, transfer and key determine, and a fresh one without a key', async () => {
    const other = await gateway.issue('token', ['ops']);
    const reverse = (who: TestCredential, id: string, key?: string) =>
      as(who, 'POST', `/v1/ops/transfers/${id}/reverse`, {
        headers: key === undefined ? {} : { 'Idempotency-Key': key },
      });
    const seen = new Set<string>();
    gateway.services.respond(reverseTransfer)(({ transferId, reversalId }) => {
      const replayed = seen.has(reversalId);
      seen.add(reversalId);
      return { ok: true, value: { transferId, ledgerReference: `0x${'cd'.repeat(32)}`, replayed } };
    });
    const [first, repeat] = [await reverse(operator, 'TX1', 'K'), await reverse(operator, 'TX1', 'K')];
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(repeat.headers.get('idempotent-replayed')).toBe('true');
    expect(repeat.text).toBe(first.text);
    const rest = [
      await reverse(operator, 'TX2', 'K'),
      await reverse(operator, 'TX1', 'L'),
      await reverse(other, 'TX1', 'K'),
      await reverse(operator, 'TX1'),
      await reverse(operator, 'TX1'),
    ];
    expect(rest.map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, null, null, null, null]);
    gateway.services.respond(reverseTransfer)(() => ({
      ok: false,
      rejection: 'transfer_not_confirmed',
      replayed: true,
    }));
    const refusedAgain = await reverse(operator, 'TX1', 'K');
    expect([refusedAgain.status, refusedAgain.headers.get('idempotent-replayed')]).toEqual([409, 'true']);
    refusing(reverseTransfer, 'transfer_not_confirmed');
    expect((await reverse(operator, 'TX1', 'M')).headers.get('idempotent-replayed')).toBeNull();
    const [asked] = gateway.services.received(reverseTransfer);
    expect(asked?.reversalId).toBe(codeFrom('RV', [operator.tenantId, 'ops.reverse', 'TX1', 'K']));
    expect(await reverse(operator, 'TX1', 'a b')).toMatchObject({ status: 400, body: { field: 'Idempotency-Key' } });
  });

  test.each([
    ['account_not_found', '/v1/ops/accounts/W1/freeze', 404, setAccountFrozen],
    ['id_reused', '/v1/ops/accounts/W1/freeze', 409, setAccountFrozen],
    ['transfer_not_found', '/v1/ops/transfers/TX1/reverse', 404, reverseTransfer],
    ['transfer_not_confirmed', '/v1/ops/transfers/TX1/reverse', 409, reverseTransfer],
    ['transfer_already_reversed', '/v1/ops/transfers/TX1/reverse', 409, reverseTransfer],
    ['insufficient_balance', '/v1/ops/transfers/TX1/reverse', 422, reverseTransfer],
    ['id_reused', '/v1/ops/transfers/TX1/reverse', 409, reverseTransfer],
  ] as const)('%s of %s is %s', async (rejection, path, status, call) => {
    refusing(call as CallContract, rejection);
    expect((await as(operator, 'POST', path)).status).toBe(status);
  });

  test('show the chains', async () => {
    gateway.services.respond(chainStatus)(() => ({
      ok: true,
      value: {
        chains: [
          {
            chain: 'evm',
            headNumber: 9,
            headChangedAt: at,
            cursorNumber: 8,
            cursorHash: '0x1',
            lagBlocks: 1,
            updatedAt: at,
            error: null,
          },
        ],
      },
    }));
    expect((await as(operator, 'GET', '/v1/ops/chains')).body).toMatchObject({
      chains: [{ chain: 'evm', lag_blocks: 1 }],
    });
  });

  test.each([
    ['POST', '/v1/ops/accounts/W1/freeze'],
    ['POST', '/v1/ops/accounts/W1/unfreeze'],
    ['POST', '/v1/ops/transfers/TX1/reverse'],
    ['GET', '/v1/ops/chains'],
    ['GET', '/v1/ops/parked'],
    ['POST', '/v1/ops/parked/redrive'],
  ])('%s %s is for operators only', async (method, path) => {
    expect(await as(tenant, method, path)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(gateway.services.count()).toBe(0);
  });
});

describe('intents', () => {
  test('are listed with filters, newest first as intents answers them', async () => {
    gateway.services.respond(listIntents)(() => ({ ok: true, value: { intents: [], nextCursor: 'n' } }));
    const reply = await as(tenant, 'GET', '/v1/intents?status=paid&order_id=O-1&limit=5&cursor=c');
    expect(reply.body).toEqual({ intents: [], next_cursor: 'n' });
    expect(gateway.services.received(listIntents)).toEqual([
      { tenantId: tenant.tenantId, mode: 'sandbox', limit: 5, cursor: 'c', status: 'paid', orderId: 'O-1' },
    ]);
    expect((await as(tenant, 'GET', '/v1/intents?status=lost')).status).toBe(400);
    expect((await as(tenant, 'GET', '/v1/intents?tenant_id=x')).status).toBe(400);
  });
});

describe('documentation', () => {
  test('is a page without inline scripts, and files of its own only', async () => {
    const page = await gateway.request('GET', '/docs');
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/<script>|<script [^>]*>[^<]/);
    for (const [, path] of page.text.matchAll(/(?:src|href)="([^"]+)"/g))
      expect((await fetch(gateway.url + path)).status).toBe(200);
    expect((await gateway.request('GET', '/docs/package.json')).status).toBe(404);
    expect((await fetch(`${gateway.url}/docs/..%2fpackage.json`)).status).toBe(404);
  });
});

test('an unknown path below /v1 is a problem', async () => {
  expect(await as(tenant, 'GET', '/v1/nothing')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
});
