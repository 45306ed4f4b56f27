import { randomUUID } from 'node:crypto';
import { OperationalError } from '@daybook/core';
import {
  getBalance,
  getBalanceAsOf,
  getBookAccount,
  getBookTransaction,
  getHold,
  getInstitutionTransfer,
  getIntent,
  getLineage,
  getPayment,
  getSend,
  getStatement,
  getTransfer,
  getOpenPeriod,
  getTrialBalance,
  listAccounts,
  listDailyBalances,
  listEntries,
  listHolds,
  openBookAccount,
  operateBook,
  operateBookInBulk,
  searchTransactions,
  setAccountLimits,
  bookOperationRejections,
  type CallContract,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { refusedAmountTokens } from '@daybook/testing';
import { ledgerRejections } from '../src/http/native/ledger-rejections';
import { GatewayHarness, type Sent, type TestCredential } from './harness';
import { payment, send, transfer } from './partner-facts';

type Value<Call> = Extract<CallOutcome<Call>, { ok: true }>['value'];

const gateway = new GatewayHarness();
const at = '2026-02-11T10:06:10.000Z';
const reference = `0x${'ab'.repeat(32)}`;
const watermark = { sequence: 17, at };
let tenant: TestCredential;
let reader: TestCredential;
let operator: TestCredential;
let cash: string;
let sales: string;

beforeAll(async () => {
  await gateway.start();
  tenant = await gateway.issue('token', ['ledger:read', 'ledger:write']);
  reader = await gateway.issue('token', ['ledger:read']);
  operator = await gateway.issue('token', ['ops']);
  cash = `acct:${tenant.tenantId}:cash`;
  sales = `acct:${tenant.tenantId}:sales`;
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const as = (who: TestCredential, method: string, path: string, { headers = {}, ...sent }: Sent = {}) =>
  gateway.request(method, path, { ...sent, headers: { ...who.headers, ...headers } });
type Written = { readonly key?: string | null; readonly who?: TestCredential };
/** A bulk has no key. */
const keyOf = (path: string) => (path.endsWith('/bulk') ? null : 'K');
const write = (path: string, body: unknown, { key = keyOf(path), who = tenant }: Written = {}) =>
  as(who, path.endsWith('/limits') ? 'PUT' : 'POST', path, {
    headers: key === null ? {} : { 'Idempotency-Key': key },
    body,
  });
const refusing = (call: CallContract, rejection: string) =>
  gateway.services.respond(call)(() => ({ ok: false, rejection }) as never);
const receiving = (call: CallContract, value: unknown) =>
  gateway.services.respond(call)(() => ({ ok: true, value }) as never);
const receipt = { at, ledgerReference: reference, replayed: false };

function account(more: Partial<Value<typeof getBookAccount>> = {}): Value<typeof getBookAccount> {
  return {
    accountId: cash,
    ownerId: tenant.tenantId,
    asset: 'USDT_TRC20',
    type: 'asset',
    floor: -5_000_000n,
    ceiling: null,
    metadata: null,
    posted: -5n,
    held: 0n,
    available: -5n,
    incoming: 99_500_000n,
    frozen: false,
    version: 1,
    openedAt: at,
    updatedAt: at,
    watermark,
    ...more,
  };
}

describe('accounts', () => {
  test('are opened under the bare name, idempotent by it, and in full by operators', async () => {
    gateway.services.respond(openBookAccount)(({ accountId }) => ({
      ok: true,
      value: { accountId, openedAt: at, replayed: true },
    }));
    const body = { name: 'cash', asset: 'INR', type: 'asset', floor: '-10.50', metadata: { branch: 'pune' } };
    const reply = await as(tenant, 'POST', '/v1/ledger/accounts', { body });
    expect(reply).toMatchObject({ status: 200, body: { account_id: 'cash', dry_run: false } });
    expect(reply.headers.get('idempotent-replayed')).toBe('true');
    expect((await write('/v1/ledger/accounts', { ...body, name: cash }, { who: operator })).body).toMatchObject({
      account_id: cash,
    });
    expect(gateway.services.received(openBookAccount)).toMatchObject([
      { tenantId: tenant.tenantId, ownerId: tenant.tenantId, accountId: cash, floor: -1050n, ceiling: null },
      { tenantId: null, ownerId: tenant.tenantId, accountId: cash },
    ]);
  });

  test.each(['WALLET1', 'acct:x', 'merchant:a:SOL', 'Cash', 'a b'])('named %s are refused by name', async (name) => {
    const reply = await write('/v1/ledger/accounts', { name, asset: 'INR', type: 'asset' });
    expect(reply).toMatchObject({ status: 400, body: { field: 'name' } });
    expect(gateway.services.count()).toBe(0);
  });

  test.each([{}, { dry_run: true }])(
    'of an owner whose id no tenant can have are refused by name: %j',
    async (more) => {
      const name = 'acct:00000000-0000-0000-0000-000000000001:x';
      const reply = await write(
        '/v1/ledger/accounts',
        { name, asset: 'INR', type: 'asset', ...more },
        { who: operator },
      );
      expect(reply).toMatchObject({ status: 400, body: { field: 'name' } });
      expect(gateway.services.count()).toBe(0);
    },
  );

  test('are of the own tenant, and of all for operations', async () => {
    receiving(listAccounts, { accounts: [account()], nextCursor: null, watermark });
    const path = '/v1/ledger/accounts?asset=USDT_TRC20&metadata=branch:pune&metadata=kind:till';
    expect((await as(tenant, 'GET', path)).body).toMatchObject({
      accounts: [{ account_id: 'cash', posted: '-0.000005', incoming: '99.50', floor: '-5.00', metadata: {} }],
      watermark,
    });
    expect((await as(operator, 'GET', path)).body).toMatchObject({ accounts: [{ account_id: cash }] });
    expect(gateway.services.received(listAccounts)).toMatchObject([
      { tenantId: tenant.tenantId, asset: 'USDT_TRC20', metadata: { branch: 'pune', kind: 'till' } },
      { tenantId: null },
    ]);
    expect(await as(tenant, 'GET', '/v1/ledger/accounts?metadata=nonsense')).toMatchObject({
      status: 400,
      body: { field: 'metadata' },
    });
  });

  test('are read as they are now, or by both clocks from the read models', async () => {
    receiving(getBookAccount, account());
    expect((await as(reader, 'GET', '/v1/ledger/accounts/WALLET1')).body).toMatchObject({ posted: '-0.000005' });
    receiving(getBalanceAsOf, {
      accountId: cash,
      asset: 'INR',
      type: 'asset',
      posted: 100n,
      debits: 150n,
      credits: 50n,
      entries: 2,
      watermark,
    });
    const past = await as(tenant, 'GET', '/v1/ledger/accounts/cash?as_of=2026-02-01T05:30:00%2B05:30');
    expect(past.body).toMatchObject({ posted: '1.00', debits: '1.50', entry_count: 2, watermark });
    expect(gateway.services.received(getBookAccount)).toMatchObject([{ accountId: 'WALLET1' }]);
    expect(gateway.services.received(getBalanceAsOf)).toMatchObject([
      { accountId: cash, asOf: '2026-02-01T00:00:00.000Z', knownAt: null },
    ]);
    refusing(getBookAccount, 'account_not_found');
    expect((await as(reader, 'GET', '/v1/ledger/accounts/other')).body).toMatchObject({ code: 'ACCOUNT_NOT_FOUND' });
  });

  test('get limits in the decimals of their asset', async () => {
    receiving(getBookAccount, account());
    receiving(setAccountLimits, { accountId: cash, ...receipt });
    const path = '/v1/ledger/accounts/cash/limits';
    expect((await write(path, { floor: '-1.5', ceiling: '0' })).body).toMatchObject({
      floor: '-1.50',
      ceiling: '0.00',
      ledger_reference: reference,
      recorded_at: at,
    });
    expect(await write(path, { floor: '0.0000001', ceiling: null })).toMatchObject({
      status: 400,
      body: { field: 'floor' },
    });
    expect(gateway.services.received(setAccountLimits)).toMatchObject([
      { changeId: 'K', floor: -1_500_000n, ceiling: 0n },
    ]);
    refusing(setAccountLimits, 'limits_fixed');
    expect((await write(path, { floor: null, ceiling: null })).status).toBe(409);
  });
});

const shorthand = { debit: 'cash', credit: 'sales', asset: 'INR', amount: '150.00' };
const entries = [
  { account_id: 'cash', asset: 'INR', direction: 'debit', amount: '150.00' },
  { account_id: 'sales', asset: 'INR', direction: 'credit', amount: '150.00' },
];

describe('a transaction', () => {
  const path = '/v1/ledger/transactions';

  test('is posted by shorthand or by entries, which are the same', async () => {
    receiving(operateBook, receipt);
    expect((await write(path, shorthand)).body).toMatchObject({ transaction_id: 'K', posted_at: at });
    await write(path, { entries });
    const [first, second] = gateway.services.received(operateBook);
    expect(first).toEqual(second);
    expect(first).toMatchObject({
      tenantId: tenant.tenantId,
      actor: tenant.credentialId,
      dryRun: false,
      operation: {
        transactionId: 'K',
        mode: 'authorizing',
        entries: [
          { accountId: cash, direction: 'debit', amount: 15_000n },
          { accountId: sales, direction: 'credit', amount: 15_000n },
        ],
      },
    });
  });

  test('says when it was a repeat, and when nothing was recorded', async () => {
    receiving(operateBook, { ...receipt, replayed: true });
    expect((await write(path, shorthand)).headers.get('idempotent-replayed')).toBe('true');
    receiving(operateBook, { at, ledgerReference: null, replayed: false });
    expect((await write(path, { ...shorthand, dry_run: true })).body).toMatchObject({
      ledger_reference: null,
      dry_run: true,
    });
    expect(gateway.services.received(operateBook).at(-1)).toMatchObject({ dryRun: true });
  });

  test.each([
    ['amount', { ...shorthand, amount: undefined }],
    ['amount', { ...shorthand, amount: '1.005' }],
    ['debit', { ...shorthand, debit: 'with space' }],
    ['entries', { ...shorthand, entries: [] }],
    [
      'entries',
      {
        ...shorthand,
        entries: Array.from({ length: 2 }, () => ({ account_id: 'a', asset: 'INR', direction: 'debit', amount: '1' })),
      },
    ],
    [
      'entries.1.amount',
      { entries: ['1', '0'].map((amount) => ({ account_id: 'a', asset: 'INR', direction: 'debit', amount })) },
    ],
    ['effective_at', { ...shorthand, effective_at: 'yesterday' }],
    ['metadata', { ...shorthand, metadata: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`k${n}`, 'v'])) }],
    ['debit', {}],
    ['closed_period', { ...shorthand, closed_period: 'ignore' }],
    ['who', { ...shorthand, who: 'me' }],
    ['entries.0', { entries: [5, 6] }],
  ])('with a wrong %s is refused by name', async (field, body) => {
    expect(await write(path, body)).toMatchObject({ status: 400, body: { field } });
    expect(gateway.services.count()).toBe(0);
  });

  test.each(refusedAmountTokens)('of the amount %s is refused by name', async (token) => {
    const raw = `{"debit":"cash","credit":"sales","asset":"INR","amount":${token}}`;
    const reply = await as(tenant, 'POST', path, { headers: { 'Idempotency-Key': 'K' }, raw });
    expect(reply).toMatchObject({ status: 400, body: { field: 'amount' } });
    expect(gateway.services.count()).toBe(0);
  });

  test.each(
    bookOperationRejections.filter(
      (name) => !/hold|expiry|distinct|not_reversible|already|only|remaining|transaction/.test(name),
    ),
  )('refused with %s has its documented answer', async (rejection) => {
    refusing(operateBook, rejection);
    const { status, code } = ledgerRejections[rejection];
    expect(await write(path, shorthand)).toMatchObject({ status, body: { code } });
  });

  test('is refused by the field of the form that was sent', async () => {
    refusing(operateBook, 'asset_mismatch');
    expect(await write(path, shorthand)).toMatchObject({ status: 400, body: { field: 'asset' } });
    const title = 'entries: one is not in the asset of its account';
    expect(await write(path, { entries })).toMatchObject({ status: 400, body: { field: 'entries', title } });
    refusing(operateBook, 'recording_not_allowed');
    expect(await write(path, { ...shorthand, recording: true })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', field: 'recording' },
    });
  });

  test('needs the scope to write', async () => {
    expect((await write(path, shorthand, { who: reader })).status).toBe(403);
    expect((await as(tenant, 'POST', path, { body: shorthand })).body).toMatchObject({ field: 'Idempotency-Key' });
  });

  test('is found by its own id, and shown with those of others as they are', async () => {
    const own = `${tenant.tenantId}/K`;
    receiving(searchTransactions, { transactions: [transaction(own)], nextCursor: null, watermark });
    expect((await as(tenant, 'GET', `${path}/K`)).body).toMatchObject({
      transaction_id: 'K',
      cause: { id: 'K' },
      reverses: 'ops/x',
      entries: [{ account_id: 'cash', amount: '150.00' }],
    });
    expect((await as(operator, 'GET', `${path}/${encodeURIComponent(own)}`)).body).toMatchObject({
      transaction_id: own,
      entries: [{ account_id: cash }],
    });
    expect(gateway.services.received(searchTransactions)).toMatchObject([
      { transactionId: own, tenantId: tenant.tenantId },
      { transactionId: own, tenantId: null },
    ]);
    receiving(searchTransactions, { transactions: [], nextCursor: null, watermark });
    expect((await as(tenant, 'GET', `${path}/none`)).status).toBe(404);
  });

  test('is reversed in the decimals of its asset', async () => {
    receiving(getBookTransaction, {
      transactionId: 'K',
      entries: transaction('K').entries,
      reversed: 0n,
      effectiveAt: at,
      postedAt: at,
      ledgerReference: reference,
      watermark,
    });
    receiving(operateBook, receipt);
    expect((await write(`${path}/K/reverse`, { amount: '1.5' }, { key: 'R' })).body).toMatchObject({
      transaction_id: 'R',
      reverses: 'K',
    });
    await write(`${path}/K/reverse`, {}, { key: 'R' });
    expect(gateway.services.received(operateBook).map(({ operation }) => operation)).toEqual([
      { type: 'reverse', reversalId: 'R', transactionId: 'K', amount: 150n },
      { type: 'reverse', reversalId: 'R', transactionId: 'K', amount: null },
    ]);
    for (const rejection of [
      'transaction_already_reversed',
      'transaction_not_reversible',
      'id_reserved',
      'amount_exceeds_remaining',
      'reversal_only_in_full',
    ] as const) {
      refusing(operateBook, rejection);
      const { status, code } = ledgerRejections[rejection];
      expect(await write(`${path}/K/reverse`, {})).toMatchObject({ status, body: { code } });
    }
  });
});

function transaction(transactionId: string): Value<typeof searchTransactions>['transactions'][number] {
  return {
    sequence: 17,
    transactionId,
    tenantId: tenant.tenantId,
    cause: { type: 'posting', id: transactionId, subject: transactionId },
    rule: 'posting@1',
    actor: 'who',
    description: null,
    metadata: {},
    adjustmentFor: null,
    reverses: 'ops/x',
    reversedBy: [],
    entries: [{ accountId: cash, asset: 'INR', direction: 'debit', amount: 15_000n }],
    limitBreaches: [],
    ledgerReference: reference,
    correlationId: 'c',
    causationId: 'c',
    effectiveAt: at,
    postedAt: at,
  };
}

describe('a bulk', () => {
  const path = '/v1/ledger/transactions/bulk';
  const bulk = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `K${n}`, ...shorthand }));

  test('has a result for each, in their order', async () => {
    receiving(operateBookInBulk, {
      outcomes: [
        { ok: true, ...receipt },
        { ok: false, rejection: 'insufficient_balance', replayed: true },
      ],
      failed: null,
    });
    expect((await write(path, { atomic: false, transactions: bulk(2) })).body).toMatchObject({
      posted: 1,
      rejected: 1,
      results: [
        { transaction_id: 'K0', status: 'posted', code: null },
        { transaction_id: 'K1', status: 'rejected', code: 'INSUFFICIENT_BALANCE', replayed: true },
      ],
    });
  });

  test('of 10,000 fits, and one more is refused', async () => {
    gateway.services.respond(operateBookInBulk)(({ operations }) => ({
      ok: true,
      value: { outcomes: operations.map(() => ({ ok: true as const, ...receipt })), failed: null },
    }));
    expect((await write(path, { atomic: true, transactions: bulk(10_000) })).body).toMatchObject({ posted: 10_000 });
    expect(await write(path, { atomic: true, transactions: bulk(10_001) })).toMatchObject({
      status: 400,
      body: { field: 'transactions' },
    });
  });

  test('that is refused for an account names it, as the caller does', async () => {
    const about = `acct:${tenant.tenantId}:${shorthand.debit}`;
    const refused = { rejection: 'insufficient_balance', replayed: false, about } as const;
    receiving(operateBookInBulk, { outcomes: [{ ok: false, ...refused }], failed: null });
    const said = `debit: the account ${shorthand.debit} does not have enough available`;
    expect((await write(path, { atomic: false, transactions: bulk(1) })).body).toMatchObject({
      results: [{ title: said }],
    });
    receiving(operateBookInBulk, { outcomes: [], failed: { index: 1, ...refused } });
    expect((await write(path, { atomic: true, transactions: bulk(2) })).body).toMatchObject({
      title: said,
      field: 'transactions.1.debit',
    });
  });

  test('that is atomic and refused says which, and one that is malformed says where', async () => {
    const failed = { index: 1, rejection: 'entries_unbalanced', replayed: false };
    receiving(operateBookInBulk, { outcomes: [], failed });
    expect(await write(path, { atomic: true, transactions: bulk(2) })).toMatchObject({
      status: 422,
      body: { code: 'ENTRIES_UNBALANCED', field: 'transactions.1.entries' },
    });
    const transactions = [...bulk(1), { id: 'x', ...shorthand, amount: '0' }];
    expect(await write(path, { atomic: true, transactions })).toMatchObject({
      status: 400,
      body: { field: 'transactions.1.amount' },
    });
  });

  test('with a key of its own is refused, because it would not hold', async () => {
    expect(await write(path, { atomic: true, transactions: bulk(1) }, { key: 'K' })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST', field: 'Idempotency-Key' },
    });
    expect(gateway.services.count()).toBe(0);
  });

  test('says of an id that looks like another’s that it is the id', async () => {
    const said = { code: 'INVALID_REQUEST', title: expect.stringMatching(/^id: must not begin with ops\//) };
    const refused = { rejection: 'id_reserved', replayed: false };
    receiving(operateBookInBulk, { outcomes: [], failed: { index: 1, ...refused } });
    expect(await write(path, { atomic: true, transactions: bulk(2) })).toMatchObject({
      status: 400,
      body: { ...said, field: 'transactions.1.id' },
    });
    receiving(operateBookInBulk, { outcomes: [{ ok: false, ...refused }], failed: null });
    const independent = await write(path, { atomic: false, transactions: bulk(1) });
    expect(independent.body).toMatchObject({ results: [{ status: 'rejected', ...said }] });
  });

  test.each([
    ['id_reused', 409, 'id', /^id: was already used/],
    ['asset_mismatch', 400, 'entries', /^entries: one is not in the asset/],
    ['recording_not_allowed', 403, 'recording', /^recording: only operators/],
  ] as const)('refused with %s says so in the words of its own fields', async (rejection, status, field, words) => {
    const refused = { rejection, replayed: false };
    const transactions = [...bulk(1), { id: 'K1', entries }];
    const title = expect.stringMatching(words);
    receiving(operateBookInBulk, { outcomes: [], failed: { index: 1, ...refused } });
    expect(await write(path, { atomic: true, transactions })).toMatchObject({
      status,
      body: { field: `transactions.1.${field}`, title },
    });
    receiving(operateBookInBulk, {
      outcomes: [
        { ok: true, ...receipt },
        { ok: false, ...refused },
      ],
      failed: null,
    });
    expect((await write(path, { atomic: false, transactions })).body).toMatchObject({
      results: [{ status: 'posted' }, { status: 'rejected', title }],
    });
  });
});

test.each(['accounts', 'entries', 'transactions', 'holds'])(
  'a name that comes twice in the metadata that %s are asked by is refused, whatever its values',
  async (list) => {
    for (const values of [
      ['17', '18'],
      ['17', '17'],
    ]) {
      const query = values.map((value) => `metadata=order:${value}`).join('&metadata=region:eu&');
      expect(await as(tenant, 'GET', `/v1/ledger/${list}?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'INVALID_REQUEST', field: 'metadata', title: 'metadata: must have each name once' },
      });
    }
    expect(gateway.services.count()).toBe(0);
  },
);

/** As the ledger tells it, of whoever placed it. */
function heldOf(placedBy: string | null) {
  return {
    holdId: 'H',
    accountId: cash,
    asset: 'INR',
    amount: 10_000n,
    remaining: 4_000n,
    captured: 6_000n,
    status: 'open',
    expiresAt: null,
    placedBy,
    actor: 'till-3',
    metadata: { order: '17' },
    placedAt: at,
    ledgerReference: reference,
    watermark,
  };
}

describe('a hold', () => {
  const read = (placedBy: string | null, more: object = {}) => receiving(getHold, { ...heldOf(placedBy), ...more });

  test('is placed, captured in part, released and read', async () => {
    receiving(operateBook, receipt);
    read(tenant.tenantId);
    const metadata = { order: '17' };
    const body = { account_id: 'cash', asset: 'INR', amount: '100.00', expires_at: '2026-03-01T00:00:00Z', metadata };
    expect((await write('/v1/ledger/holds', body, { key: 'H' })).body).toMatchObject({ id: 'H', hold_id: 'H' });
    await write('/v1/ledger/holds/H/capture', { credit: 'sales', amount: '60', final: true }, { key: 'C' });
    await write('/v1/ledger/holds/H/release', {}, { key: 'R' });
    expect(gateway.services.received(operateBook).map(({ operation }) => operation)).toMatchObject([
      { type: 'hold', holdId: 'H', accountId: cash, amount: 10_000n, expiresAt: '2026-03-01T00:00:00.000Z', metadata },
      { type: 'capture', captureId: 'C', holdId: 'H', amount: 6_000n, creditAccountId: sales, final: true },
      { type: 'release', releaseId: 'R', holdId: 'H' },
    ]);
    expect((await as(tenant, 'GET', '/v1/ledger/holds/H')).body).toMatchObject({
      account_id: 'cash',
      remaining: '40.00',
      actor: 'till-3',
      metadata,
    });
  });

  test('is listed by account, status and metadata', async () => {
    const { placedBy: _by, ledgerReference: _reference, watermark: _mark, ...view } = heldOf(tenant.tenantId);
    const holds = [{ ...view, holdId: `${tenant.tenantId}/H`, placedSequence: 1, lastSequence: 2 }];
    receiving(listHolds, { holds, nextCursor: null, watermark });
    const path = '/v1/ledger/holds?account=cash&status=open';
    const page = await as(tenant, 'GET', `${path}&metadata=order:17&metadata=region:eu`);
    const shown = { hold_id: 'H', account_id: 'cash', actor: 'till-3', metadata: { order: '17' } };
    expect(page.body).toMatchObject({ holds: [shown], watermark });
    await as(tenant, 'GET', path);
    expect(gateway.services.received(listHolds)).toMatchObject([
      { accountId: cash, status: 'open', metadata: { order: '17', region: 'eu' } },
      { accountId: cash, status: 'open', metadata: {} },
    ]);
  });

  test('of others is read, and is nobody’s to whoever would capture a part of it, whatever its decimals', async () => {
    const path = `/v1/ledger/holds/${encodeURIComponent('ops/H')}`;
    read(null, { holdId: 'ops/H', actor: null, metadata: {} });
    expect(await as(tenant, 'GET', path)).toMatchObject({
      status: 200,
      body: { hold_id: 'ops/H', account_id: 'cash', actor: null, metadata: {} },
    });
    for (const amount of ['1.00', '1.005']) {
      expect(await write(`${path}/capture`, { credit: 'sales', amount })).toMatchObject({
        status: 404,
        body: { code: 'HOLD_NOT_FOUND' },
      });
    }
    expect(gateway.services.received(operateBook)).toEqual([]);
    receiving(operateBook, receipt);
    expect((await write(`${path}/capture`, { credit: sales, amount: '1.00' }, { who: operator })).status).toBe(200);
  });

  test.each([
    ['hold_not_found', 'release'],
    ['hold_closed', 'release'],
    ['hold_expired', 'capture'],
    ['accounts_not_distinct', 'capture'],
    ['amount_exceeds_remaining', 'capture'],
  ] as const)('refused with %s has its documented answer to %s', async (rejection, verb) => {
    refusing(operateBook, rejection);
    const { status, code } = ledgerRejections[rejection];
    const body = verb === 'capture' ? { credit: 'sales' } : {};
    expect(await write(`/v1/ledger/holds/H/${verb}`, body)).toMatchObject({ status, body: { code } });
  });

  test('is not captured to an account in another asset, which is the credit', async () => {
    refusing(operateBook, 'asset_mismatch');
    expect(await write('/v1/ledger/holds/H/capture', { credit: 'sales' })).toMatchObject({
      status: 400,
      body: { field: 'credit', title: 'credit: must be an account in the asset of the hold' },
    });
  });
});

describe('reports', () => {
  const entry = () => ({
    sequence: 17,
    entryIndex: 0,
    transactionId: `${tenant.tenantId}/K`,
    accountId: cash,
    asset: 'INR',
    direction: 'debit',
    amount: 15_000n,
    balance: 15_000n,
    accountVersion: 1,
    effectiveAt: at,
    postedAt: at,
  });
  const totals = { opening: 0n, debits: 15_000n, credits: 0n, closing: 15_000n, entryCount: 1 };

  test('of entries, days, totals and lineage show names, own ids and decimals', async () => {
    receiving(listEntries, { entries: [entry()], nextCursor: 'more', watermark });
    expect((await as(tenant, 'GET', '/v1/ledger/entries?account=cash&metadata=order:1')).body).toMatchObject({
      entries: [{ account_id: 'cash', transaction_id: 'K', amount: '150.00', balance: '150.00' }],
      next_cursor: 'more',
      watermark,
    });
    receiving(listDailyBalances, {
      accountId: cash,
      asset: 'INR',
      type: 'asset',
      days: [{ day: '2026-02-11', ...totals }],
      watermark,
    });
    const period = 'from=2026-02-01&to=2026-03-01&time_zone=Asia/Kolkata';
    const days = await as(tenant, 'GET', `/v1/ledger/accounts/cash/daily-balances?${period}`);
    expect(days.body).toMatchObject({ account_id: 'cash', days: [{ day: '2026-02-11', closing: '150.00' }] });
    receiving(getTrialBalance, {
      lines: [{ asset: 'INR', type: 'asset', accounts: 1, debits: 15_000n, credits: 0n, net: 15_000n }],
      watermark,
    });
    expect((await as(tenant, 'GET', '/v1/ledger/trial-balance')).body).toMatchObject({ lines: [{ net: '150.00' }] });
    for (const openFrom of [null, '2026-02-01T00:00:00.000Z']) {
      receiving(getOpenPeriod, { openFrom, watermark });
      expect((await as(tenant, 'GET', '/v1/ledger/period')).body).toEqual({ open_from: openFrom, watermark });
    }
    const { entries: _entries, reversedBy: _by, limitBreaches: _breaches, ...head } = transaction('TX1');
    const event = {
      sequence: 17,
      type: 'TransactionPosted',
      ledgerReference: reference,
      correlationId: 'c',
      causationId: 'c',
    };
    receiving(getLineage, {
      accountId: cash,
      posted: 15_000n,
      hops: [{ entry: entry(), transaction: head, event }],
      nextCursor: null,
      watermark,
    });
    expect((await as(tenant, 'GET', '/v1/ledger/accounts/cash/lineage')).body).toMatchObject({
      posted: '150.00',
      hops: [
        { entry: { transaction_id: 'K' }, transaction: { rule: 'posting@1', actor: 'who' }, event: { sequence: 17 } },
      ],
    });
  });

  test('of a period say what is wrong with it', async () => {
    receiving(getStatement, {
      accountId: cash,
      asset: 'INR',
      type: 'asset',
      from: at,
      to: at,
      ...totals,
      entries: [{ ...entry(), statementBalance: 15_000n }],
      nextCursor: null,
      watermark,
    });
    const path = '/v1/ledger/accounts/cash/statement';
    expect((await as(tenant, 'GET', `${path}?from=2026-02-01&to=2026-03-01`)).body).toMatchObject({
      closing: '150.00',
      entries: [{ statement_balance: '150.00' }],
    });
    expect(gateway.services.received(getStatement)).toMatchObject([
      { accountId: cash, timeZone: 'UTC', knownAt: null },
    ]);
    for (const [query, field] of [
      ['from=2026-02-30&to=2026-03-01', 'from'],
      ['from=2026-02-01', 'to'],
      ['from=2026-02-01&to=2026-03-01&time_zone=Mars/Base', 'time_zone'],
      ['from=2026-02-01&to=2026-03-01&time_zone=%2B02:00', 'time_zone'],
    ] as const)
      expect(await as(tenant, 'GET', `${path}?${query}`)).toMatchObject({ status: 400, body: { field } });
    refusing(getStatement, 'period_invalid');
    expect((await as(tenant, 'GET', `${path}?from=2026-03-01&to=2026-02-01`)).body).toMatchObject({ field: 'to' });
  });
});

/** Nor is it what the partner API makes. */
function unknownToPartners(): void {
  refusing(getPayment, 'payment_not_found');
  refusing(getInstitutionTransfer, 'transfer_not_found');
  refusing(getSend, 'send_not_found');
}

describe('the journal of a subject', () => {
  const path = '/v1/ledger/transactions?subject=TX1';
  const nothing = { transactions: [], nextCursor: null, watermark };

  /** No service knows it but as what its transactions are of. */
  function unknown(): void {
    refusing(getIntent, 'intent_not_found');
    refusing(getTransfer, 'transfer_not_found');
    refusing(getHold, 'hold_not_found');
    refusing(getBalance, 'account_not_found');
    unknownToPartners();
  }

  test('is searched at once as all that it may stand as', async () => {
    receiving(searchTransactions, { ...nothing, transactions: [transaction('TX1')], nextCursor: 'next' });
    expect((await as(tenant, 'GET', path)).body).toMatchObject({
      transactions: [{ transaction_id: 'TX1' }],
      next_cursor: 'next',
    });
    await as(tenant, 'GET', '/v1/ledger/transactions?subject=cash');
    await as(operator, 'GET', path);
    expect(gateway.services.received(searchTransactions).map(({ subjects }) => subjects)).toEqual([
      [`${tenant.tenantId}/TX1`, 'TX1'],
      [`${tenant.tenantId}/cash`, 'cash', cash],
      ['TX1'],
    ]);
  });

  test('is followed by its cursor, and ends where nothing is left behind it', async () => {
    unknown();
    gateway.services.respond(searchTransactions)(({ cursor }) =>
      cursor === 'other'
        ? { ok: false, rejection: 'cursor_invalid' }
        : { ok: true, value: { ...nothing, transactions: cursor === 'last' ? [] : [transaction('TX2')] } },
    );
    expect((await as(tenant, 'GET', `${path}&cursor=next`)).body).toMatchObject({
      transactions: [{ transaction_id: 'TX2' }],
    });
    expect(await as(tenant, 'GET', `${path}&cursor=last`)).toMatchObject({ status: 200, body: { transactions: [] } });
    expect(await as(tenant, 'GET', `${path}&cursor=other`)).toMatchObject({ status: 400, body: { field: 'cursor' } });
  });

  test('is 404 when no service knows it as the tenant’s', async () => {
    receiving(searchTransactions, nothing);
    unknown();
    expect(await as(tenant, 'GET', path)).toMatchObject({ status: 404, body: { code: 'SUBJECT_NOT_FOUND' } });
    expect(gateway.services.received(getTransfer)).toMatchObject([{ tenantId: tenant.tenantId, transferId: 'TX1' }]);
    expect(gateway.services.received(getHold)).toMatchObject([{ tenantId: tenant.tenantId, holdId: 'TX1' }]);
  });

  test.each([
    ['as the caller’s own', () => `${tenant.tenantId}/TX1`],
    ['as it stands', () => 'TX1'],
  ])('is empty when other filters leave nothing of what is there %s', async (_how, id) => {
    unknown();
    gateway.services.respond(searchTransactions)(({ subjects, metadata }) => {
      const isFound = subjects!.includes(id()) && Object.keys(metadata).length === 0;
      return { ok: true, value: { ...nothing, transactions: isFound ? [transaction('TX1')] : [] } };
    });
    expect(await as(tenant, 'GET', `${path}&metadata=order:17`)).toMatchObject({
      status: 200,
      body: { transactions: [] },
    });
    expect((await as(tenant, 'GET', '/v1/ledger/transactions?subject=TX2&metadata=order:17')).status).toBe(404);
    expect(gateway.services.received(searchTransactions).map(({ tenantId }) => tenantId)).not.toContain(null);
  });

  test('is empty when one service knows it and another cannot be asked, which is told only where nobody does', async () => {
    receiving(searchTransactions, nothing);
    unknown();
    gateway.services.respond(getSend)(() => {
      throw new OperationalError('store_unavailable', true);
    });
    receiving(getPayment, { payment });
    expect(await as(tenant, 'GET', path)).toMatchObject({ status: 200, body: { transactions: [] } });
    refusing(getPayment, 'payment_not_found');
    expect((await as(tenant, 'GET', path)).status).toBe(503);
  });

  test('is empty for a hold that nothing was captured of', async () => {
    receiving(searchTransactions, nothing);
    unknown();
    gateway.services.respond(getHold)(({ tenantId, holdId }) =>
      tenantId === tenant.tenantId && holdId === 'TX1'
        ? ({ ok: true, value: heldOf(tenant.tenantId) } as never)
        : { ok: false, rejection: 'hold_not_found' },
    );
    expect(await as(tenant, 'GET', path)).toMatchObject({ status: 200, body: { transactions: [] } });
    expect((await as(tenant, 'GET', '/v1/ledger/transactions?subject=TX2')).status).toBe(404);
  });

  test.each([
    ['a payment', getPayment, { payment }],
    ['a transfer through an institution', getInstitutionTransfer, { transfer }],
    ['a send', getSend, { send }],
  ] as const)('is empty for %s of the tenant that nothing was posted for yet', async (_what, call, value) => {
    receiving(searchTransactions, nothing);
    unknown();
    const others = await gateway.issue('token', ['ledger:read']);
    gateway.services.respond<CallContract>(call)((request) => {
      const { tenantId, transactionId } = request as CallRequest<typeof call>;
      const isKnown = tenantId === tenant.tenantId && transactionId === 'TX1';
      return (isKnown ? { ok: true, value } : { ok: false, rejection: call.rejections[0] }) as never;
    });
    expect(await as(tenant, 'GET', path)).toMatchObject({ status: 200, body: { transactions: [] } });
    const nobodys = await as(tenant, 'GET', '/v1/ledger/transactions?subject=TX2');
    expect(nobodys.status).toBe(404);
    expect((await as(others, 'GET', path)).text).toBe(nobodys.text);
  });

  test('is empty for an account of the tenant, or when operations ask', async () => {
    receiving(searchTransactions, nothing);
    unknown();
    const { watermark: _mark, ...balance } = account();
    receiving(getBalance, balance);
    expect(await as(tenant, 'GET', path)).toMatchObject({ status: 200, body: { transactions: [] } });
    expect(await as(operator, 'GET', path)).toMatchObject({ status: 200, body: { transactions: [] } });
    expect(gateway.services.received(getBalance)).toHaveLength(1);
  });
});

test.each([
  [263, 2],
  [264, 1],
  [300, 1],
])(
  'an id of %i characters is of nothing, and asked for as the journal can have it: %i times',
  async (length, asked) => {
    const id = 'x'.repeat(length);
    receiving(searchTransactions, { transactions: [], nextCursor: null, watermark });
    refusing(getIntent, 'intent_not_found');
    refusing(getTransfer, 'transfer_not_found');
    refusing(getHold, 'hold_not_found');
    refusing(getBalance, 'account_not_found');
    unknownToPartners();
    expect((await as(tenant, 'GET', `/v1/ledger/transactions/${id}`)).status).toBe(404);
    const ids = gateway.services.received(searchTransactions).map(({ transactionId }) => transactionId);
    expect(ids).toEqual([`${tenant.tenantId}/${id}`, id].slice(-asked));
    expect((await as(tenant, 'GET', `/v1/ledger/transactions?subject=${id}`)).status).toBe(404);
  },
);

test('of two transactions of one id the own one is read, or the one at the sequence that is asked for', async () => {
  const own = `${tenant.tenantId}/TX1`;
  gateway.services.respond(searchTransactions)(({ transactionId: id }) => {
    const found = { ...transaction(id!), sequence: id === own ? 18 : 17 };
    return { ok: true, value: { transactions: [found], nextCursor: null, watermark } };
  });
  const path = '/v1/ledger/transactions/TX1';
  for (const [query, sequence] of [
    ['', 18],
    ['?sequence=18', 18],
    ['?sequence=17', 17],
  ] as const)
    expect((await as(tenant, 'GET', path + query)).body).toMatchObject({ transaction_id: 'TX1', sequence });
  expect((await as(tenant, 'GET', `${path}?sequence=16`)).status).toBe(404);
  expect(await as(tenant, 'GET', `${path}?sequence=x`)).toMatchObject({ status: 400, body: { field: 'sequence' } });
});

test('an id of the book is not one of another tenant', async () => {
  refusing(getHold, 'hold_not_found');
  const foreign = `${randomUUID()}/H`;
  expect((await as(tenant, 'GET', `/v1/ledger/holds/${encodeURIComponent(foreign)}`)).status).toBe(404);
  expect(gateway.services.received(getHold)).toMatchObject([{ tenantId: tenant.tenantId, holdId: foreign }]);
});
