import {
  getReceiptPolicy,
  listExceptions,
  resolveException,
  setReceiptPolicy,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { refusedAmountTokens } from '@daybook/testing';
import { GatewayHarness, type Sent, type TestCredential } from './harness';

const gateway = new GatewayHarness();
let operator: TestCredential;
let admin: TestCredential;

beforeAll(async () => {
  await gateway.start();
  operator = await gateway.issue('token', ['ops']);
  admin = await gateway.issue('client', ['admin']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const as = (who: TestCredential, method: string, path: string, sent: Sent = {}) =>
  gateway.request(method, path, { ...sent, headers: { ...who.headers, ...sent.headers } });

type Listed = Extract<CallOutcome<typeof listExceptions>, { ok: true }>['value']['exceptions'][number];
const at = '2026-02-11T10:05:00.000Z';
const inSuspense: Listed = {
  exceptionId: '0a1b2c3d-4e5f-8071-8293-a4b5c6d7e8f9',
  kind: 'receipt',
  tenantId: '6f1d7a52-3c0b-4a0e-9a53-0c1f2e3d4b5a',
  mode: 'sandbox',
  subject: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
  asset: 'SOL',
  amountReceived: 700_000_000n,
  amount: 700_000_000n,
  place: 'suspense',
  reasons: ['wrong_asset'],
  decidedBy: 'wrong_asset',
  status: 'open',
  nextAction: 'identify',
  actions: ['credit', 'refund', 'suspend'],
  chain: 'solana',
  transactionReference: 'tx',
  receivedAt: at,
  updatedAt: at,
};

describe('exceptions', () => {
  test('are listed for operators, open ones unless others are asked for', async () => {
    gateway.services.respond(listExceptions)(() => ({
      ok: true,
      value: { exceptions: [inSuspense], nextCursor: 'n' },
    }));
    const reply = await as(operator, 'GET', '/v1/ops/exceptions');
    expect(reply).toMatchObject({
      status: 200,
      body: {
        exceptions: [{ id: inSuspense.exceptionId, amount: '0.70', next_action: 'identify' }],
        next_cursor: 'n',
      },
    });
    const filters = `status=all&tenant_id=${inSuspense.tenantId}&kind=receipt&place=held&reason=overpaid&asset=SOL`;
    await as(operator, 'GET', `/v1/ops/exceptions?${filters}&limit=5&cursor=c`);
    const none = { tenantId: null, kind: null, place: null, reason: null, asset: null, cursor: null };
    expect(gateway.services.received(listExceptions)).toEqual([
      { ...none, mode: 'sandbox', status: 'open', limit: 20 },
      {
        mode: 'sandbox',
        tenantId: inSuspense.tenantId,
        status: null,
        kind: 'receipt',
        place: 'held',
        reason: 'overpaid',
        asset: 'SOL',
        limit: 5,
        cursor: 'c',
      },
    ]);
    for (const bad of ['status=lost', 'place=nowhere', 'asset=DOGE', 'tenant_id=x', 'limit=0'])
      expect([bad, (await as(operator, 'GET', `/v1/ops/exceptions?${bad}`)).status]).toEqual([bad, 400]);
  });

  test('are resolved in the name of the credential', async () => {
    gateway.services.respond(resolveException)(() => ({
      ok: true,
      value: { exception: { ...inSuspense, place: 'credited', status: 'closed', nextAction: null, actions: [] } },
    }));
    const path = `/v1/ops/exceptions/${inSuspense.exceptionId}/resolve`;
    expect(await as(operator, 'POST', path, { body: { action: 'credit' } })).toMatchObject({
      status: 200,
      body: { place: 'credited', status: 'closed', next_action: null, actions: [] },
    });
    const actor = operator.credentialId;
    const { exceptionId } = inSuspense;
    const expected = { mode: 'sandbox', exceptionId, action: 'credit', actor };
    expect(gateway.services.received(resolveException)).toEqual([expected]);
    expect((await as(operator, 'POST', path, { body: { action: 'burn' } })).status).toBe(400);
  });

  test.each([
    ['exception_not_found', 404],
    ['action_not_possible', 400],
    ['exception_already_credited', 409],
  ] as const)('refused with %s are %s', async (rejection, status) => {
    gateway.services.respond(resolveException)(() => ({ ok: false, rejection }));
    expect((await as(operator, 'POST', '/v1/ops/exceptions/x/resolve', { body: { action: 'refund' } })).status).toBe(
      status,
    );
  });

  test.each([
    ['GET', '/v1/ops/exceptions'],
    ['POST', '/v1/ops/exceptions/x/resolve'],
  ])('%s %s is for operators only', async (method, path) => {
    expect(await as(admin, method, path, method === 'POST' ? { body: { action: 'refund' } } : {})).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    });
    expect(gateway.services.count()).toBe(0);
  });
});

describe('the receipt policy', () => {
  const body = {
    under: { tolerance_bps: 50, place: 'held' },
    over: 'credited',
    late: 'refundable',
    wrong_asset: 'suspense',
    dust: { below: { USDT_TRC20: '1.5', ETH: '0.000000000000000001' }, place: 'credited' },
  };
  const path = '/v1/admin/receipt-policies';
  const policy: CallRequest<typeof setReceiptPolicy>['policy'] = {
    under: { toleranceBps: 50, place: 'held' },
    over: 'credited',
    late: 'refundable',
    wrongAsset: 'suspense',
    dust: { below: { ETH: 1n, USDT_TRC20: 1_500_000n }, place: 'credited' },
  };

  test('is replaced in minor units, and read back as it was written', async () => {
    gateway.services.respond(setReceiptPolicy)((request) => ({
      ok: true,
      value: { policy: request.policy, changedAt: at },
    }));
    gateway.services.respond(getReceiptPolicy)(() => ({ ok: true, value: { policy, changedAt: null } }));
    const shown = { ...body, dust: { ...body.dust, below: { USDT_TRC20: '1.50', ETH: body.dust.below.ETH } } };
    expect(await as(admin, 'PUT', path, { body })).toMatchObject({ status: 200, body: { ...shown, changed_at: at } });
    expect((await as(admin, 'GET', path)).body).toEqual({ ...shown, changed_at: null });
    const { tenantId, credentialId: actor } = admin;
    expect(gateway.services.received(setReceiptPolicy)).toEqual([{ tenantId, mode: 'sandbox', policy, actor }]);
  });

  test.each([
    ['under.tolerance_bps', { under: { tolerance_bps: 1_001, place: 'held' } }],
    ['under.place', { under: { tolerance_bps: 0, place: 'credited' } }],
    ['over', { over: 'suspense' }],
    ['wrong_asset', { wrong_asset: 'credited' }],
    ['dust.below', { dust: { below: { DOGE: '1' }, place: 'held' } }],
    ['late', { late: undefined }],
  ])('is refused whole for its %s', async (field, change) => {
    const reply = await as(admin, 'PUT', path, { body: { ...body, ...change } });
    expect([reply.status, String(reply.body['field']).startsWith(field)]).toEqual([400, true]);
    expect(gateway.services.count()).toBe(0);
  });

  test.each(refusedAmountTokens)('with a threshold of %s is refused by name', async (token) => {
    const raw = JSON.stringify({ ...body, dust: { below: { SOL: '@' }, place: 'held' } }).replace('"@"', token);
    expect(await as(admin, 'PUT', path, { raw })).toMatchObject({ status: 400, body: { field: 'dust.below.SOL' } });
    expect(gateway.services.count()).toBe(0);
  });

  test('is for administrators of the tenant only', async () => {
    expect((await as(operator, 'GET', path)).status).toBe(403);
    expect((await as(operator, 'PUT', path, { body })).status).toBe(403);
  });
});
