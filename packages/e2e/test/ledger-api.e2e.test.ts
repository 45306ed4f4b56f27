import { randomUUID } from 'node:crypto';
import { eventually } from '@daybook/testing';
import { Instance, type Answer } from './instance';
import { expectBooksBalance } from './stories';
import { openTenant, type Tenant } from './tenant';

/** The ledger's own API, told as one tenant's day: over HTTP, in a process of its own. */
describe('the ledger over HTTP', () => {
  let daybook: Instance;
  let tenant: Tenant;

  beforeAll(async () => {
    daybook = await new Instance({ LOG_LEVEL: 'warn' }).start();
    tenant = await openTenant(daybook, { txc: 1_000n });
    for (const [name, type] of [
      ['cash', 'asset'],
      ['customers', 'liability'],
      ['fees', 'income'],
    ] as const)
      expect((await write('POST', '/accounts', { name, asset: 'INR', type })).status).toBe(200);
  }, 120_000);
  afterAll(async () => {
    try {
      await expectBooksBalance(daybook);
    } finally {
      await daybook?.dispose();
    }
  });

  const read = async (path: string) => {
    const answer = await daybook.request('GET', `/v1/ledger${path}`, { headers: tenant.client });
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
    return answer.body as Record<string, never>;
  };
  const write = (method: string, path: string, body: unknown, key: string | null = randomUUID()): Promise<Answer> => {
    const headers = { ...tenant.client, ...(key === null ? {} : { 'Idempotency-Key': key }) };
    return daybook.request(method, `/v1/ledger${path}`, { headers, body });
  };
  const post = (
    debit: string,
    credit: string,
    amount: string,
    more: { key?: string; [name: string]: unknown } = {},
  ) => {
    const { key, ...fields } = more;
    return write('POST', '/transactions', { debit, credit, asset: 'INR', amount, ...fields }, key);
  };
  const postedOf = async (name: string): Promise<number> => Number((await read(`/accounts/${name}`)).posted);
  const operate = (path: string, body: unknown, key: string = randomUUID()) =>
    daybook.request('POST', path, {
      headers: { Authorization: `Bearer ${tenant.opsToken}`, 'Idempotency-Key': key },
      body,
    });

  test('a posting is durable, repeated for ever, refused below the floor, and asked beforehand with a dry run', async () => {
    const first = await post('cash', 'customers', '1000.00', { key: 'deposit', metadata: { order: '1' } });
    expect(first).toMatchObject({ status: 200, body: { transaction_id: 'deposit', dry_run: false } });
    const again = await post('cash', 'customers', '1000.00', { key: 'deposit', metadata: { order: '1' } });
    expect([again.text, again.headers.get('idempotent-replayed')]).toEqual([first.text, 'true']);
    expect(await post('cash', 'customers', '1.00', { key: 'deposit' })).toMatchObject({ status: 409 });

    const beyond = await post('customers', 'cash', '1000.01', { key: 'beyond', dry_run: true });
    expect(beyond).toMatchObject({ status: 422, body: { code: 'INSUFFICIENT_BALANCE' } });
    const asked = await post('customers', 'cash', '5.00', { key: 'asked', dry_run: true });
    expect(asked.body).toMatchObject({ ledger_reference: null, dry_run: true });
    expect(await postedOf('customers')).toBe(1000);
    expect((await post('customers', 'cash', '5.00', { key: 'asked' })).body).toMatchObject({ dry_run: false });
    expect((await post('customers', 'cash', '1000.01', { key: 'beyond' })).status).toBe(422);
    const refused = await post('customers', 'cash', '1000.01', { key: 'beyond' });
    expect([refused.status, refused.headers.get('idempotent-replayed')]).toEqual([422, 'true']);
    const { rejections } = (
      await daybook.request('GET', '/v1/ops/rejections?rejection=insufficient_balance', {
        headers: { Authorization: `Bearer ${tenant.opsToken}` },
      })
    ).body as { rejections: { command_id: string }[] };
    expect(rejections.map(({ command_id }) => command_id)).toEqual([`${tenant.tenantId}/beyond`]);
  });

  test('a bulk is all or nothing when atomic, each for itself otherwise, and repeated whole', async () => {
    const item = (id: string, amount: string) => ({ id, debit: 'customers', credit: 'fees', asset: 'INR', amount });
    const before = await postedOf('fees');
    const bulk = (atomic: boolean, transactions: unknown) =>
      write('POST', '/transactions/bulk', { atomic, transactions }, null);
    const refused = await bulk(true, [item('b1', '1.00'), item('b2', '9999999.00'), item('b3', '1.00')]);
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'INSUFFICIENT_BALANCE', field: 'transactions.1.debit' },
    });
    expect(await postedOf('fees')).toBe(before);
    const mixed = [item('b1', '1.00'), item('b4', '9999999.00'), item('b3', '1.00')];
    const independent = await bulk(false, mixed);
    expect(independent.body).toMatchObject({ posted: 2, rejected: 1 });
    expect(await postedOf('fees')).toBe(before + 2);
    const many = Array.from({ length: 1_000 }, (_, n) => item(`many-${n}`, '0.01'));
    expect((await bulk(true, many)).body).toMatchObject({ posted: 1_000 });
    expect((await bulk(true, many)).headers.get('idempotent-replayed')).toBe('true');
    expect(await postedOf('fees')).toBe(before + 12);
  });

  test('a hold is captured in parts and released, and of 20 captures of 60 on a hold of 100 one succeeds', async () => {
    await write('POST', '/holds', { account_id: 'customers', asset: 'INR', amount: '100.00' }, 'hold');
    expect(await read('/accounts/customers')).toMatchObject({ held: '100.00' });
    const captures = await Promise.all(
      Array.from({ length: 20 }, () => write('POST', '/holds/hold/capture', { credit: 'fees', amount: '60.00' })),
    );
    expect(captures.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(captures.map(({ body }) => body.code))).toEqual(new Set([undefined, 'AMOUNT_EXCEEDS_REMAINING']));
    expect(await read('/holds/hold')).toMatchObject({ captured: '60.00', remaining: '40.00', status: 'open' });
    expect((await write('POST', '/holds/hold/release', {})).status).toBe(200);
    expect((await write('POST', '/holds/hold/release', {})).body).toMatchObject({ code: 'HOLD_CLOSED' });
    expect(await read('/holds?account=customers&status=released')).toMatchObject({ holds: [{ hold_id: 'hold' }] });
    expect(await read('/accounts/customers')).toMatchObject({ held: '0.00' });
  });

  test('an operator reads one tenant alone where it asks for it, and a tenant itself', async () => {
    const asked = (path: string, tenantId: string, headers: Record<string, string>) =>
      daybook.request('GET', `${path}?tenant_id=${tenantId}`, { headers });
    const operator = { Authorization: `Bearer ${tenant.opsToken}` };
    const lists = {
      accounts: '/v1/ledger/accounts',
      entries: '/v1/ledger/entries',
      transactions: '/v1/ledger/transactions',
      holds: '/v1/ledger/holds',
      lines: '/v1/ledger/trial-balance',
      rejections: '/v1/ops/rejections',
    };
    for (const [name, path] of Object.entries(lists)) {
      const theirs = await asked(path, tenant.tenantId, operator);
      const nobodys = await asked(path, randomUUID(), operator);
      expect([name, theirs.status, nobodys.status]).toEqual([name, 200, 200]);
      expect((theirs.body[name] as unknown[]).length).toBeGreaterThan(0);
      expect(nobodys.body[name]).toEqual([]);
    }
    const ownersOf = (answer: Answer) =>
      new Set((answer.body.accounts as { tenant_id?: string | null }[]).map(({ tenant_id: owner }) => owner));
    expect(ownersOf(await asked(lists.accounts, tenant.tenantId.toUpperCase(), operator))).toEqual(
      new Set([tenant.tenantId]),
    );
    const whole = await daybook.request('GET', lists.accounts, { headers: operator });
    expect(ownersOf(whole)).toContain(null);

    const own = await asked(lists.accounts, tenant.tenantId, tenant.client);
    expect([own.status, ownersOf(own)]).toEqual([200, new Set([undefined])]);
    expect(await asked(lists.accounts, randomUUID(), tenant.client)).toMatchObject({
      status: 400,
      body: { field: 'tenant_id' },
    });
  });

  test('what an operator holds on an account is read by the id that its list shows, and found by what was noted by none but its placer', async () => {
    await write('POST', '/accounts', { name: 'held', asset: 'INR', type: 'asset' });
    expect((await post('held', 'customers', '9.00')).status).toBe(200);
    const account = `acct:${tenant.tenantId}:held`;
    const fields = { asset: 'INR', amount: '2.00', metadata: { order: '1024' } };
    await write('POST', '/holds', { account_id: 'held', ...fields }, 'noted');
    expect((await operate('/v1/ledger/holds', { account_id: account, ...fields }, 'theirs')).status).toBe(200);

    const shown = { hold_id: 'noted', metadata: { order: '1024' }, actor: tenant.client['X-Client-ID'] };
    const hidden = { hold_id: 'ops/theirs', metadata: {}, actor: null, remaining: '2.00' };
    expect(await read('/holds?account=held')).toMatchObject({ holds: [hidden, shown] });
    expect(await read('/holds/noted')).toMatchObject(shown);
    expect(await read('/holds/ops%2Ftheirs')).toMatchObject(hidden);
    const { holds } = await read('/holds?account=held&metadata=order:1024');
    expect(holds).toMatchObject([shown]);
    expect(holds).toHaveLength(1);
    for (const [verb, body] of [
      ['capture', { credit: 'customers', amount: '1.00' }],
      ['release', {}],
    ] as const)
      expect(await write('POST', `/holds/ops%2Ftheirs/${verb}`, body)).toMatchObject({
        status: 404,
        body: { code: 'HOLD_NOT_FOUND' },
      });
  });

  test('an order is asked for with the same filters from its hold on: its list is empty until it has something', async () => {
    const order = '/transactions?subject=order-1024';
    const settled = `${order}&posted_from=${new Date().toISOString()}`;
    const statusOf = async (path: string) =>
      (await daybook.request('GET', `/v1/ledger${path}`, { headers: tenant.client })).status;
    expect([await statusOf(order), await statusOf(settled)]).toEqual([404, 404]);
    await write('POST', '/holds', { account_id: 'held', asset: 'INR', amount: '2.00' }, 'order-1024');
    expect([await read(order), await read(settled)]).toMatchObject([{ transactions: [] }, { transactions: [] }]);
    await write('POST', '/holds/order-1024/capture', { credit: 'customers', final: true }, 'paid-1024');
    const paid = { transactions: [{ transaction_id: 'paid-1024', cause: { subject: 'order-1024' } }] };
    expect([await read(order), await read(settled)]).toMatchObject([paid, paid]);
    expect(await read(`${order}&metadata=order:none`)).toMatchObject({ transactions: [] });
    expect(await statusOf('/transactions?subject=order-none&metadata=order:none')).toBe(404);
  });

  describe('a key that is an id which Daybook gave out', () => {
    type Row = { transaction_id: string; rule: string; sequence: number };
    type Page = { transactions: Row[]; next_cursor: string | null };
    const rowsOf = async (subject: string, more = ''): Promise<Page> =>
      (await read(`/transactions?subject=${subject}${more}`)) as unknown as Page;
    const rulesOf = async (subject: string) => (await rowsOf(subject)).transactions.map(({ rule }) => rule);

    /** An intent that was paid, and the id of its settlement. */
    async function settled(): Promise<{ intent: string; settlement: Row }> {
      const as = async (path: string, body: unknown) => {
        const answer = await daybook.request('POST', path, { headers: tenant.client, body });
        expect([path, answer.status < 300]).toEqual([path, true]);
        return answer.body;
      };
      const made = await as('/api/v1/intents/create-payment', { amount: 5, currency: 'SOL', order_id: randomUUID() });
      await as('/v1/sandbox/deposits', { address: made.payment_address, asset: 'SOL', amount: '5.00' });
      const intent = String(made.intent_id);
      const settlement = await eventually(
        async () => {
          const row = (await rowsOf(intent)).transactions.find(({ rule }) => rule === 'settlement@1');
          if (row === undefined) throw new Error('not settled yet');
          return row;
        },
        { timeoutMs: 20_000 },
      );
      return { intent, settlement };
    }

    test('hides nothing: the list of the subject has what either of them caused, each once, over pages too', async () => {
      const { intent } = await settled();
      const before = await rulesOf(intent);
      expect((await post('cash', 'customers', '1.00', { key: intent })).status).toBe(200);
      expect((await write('POST', `/transactions/${intent}/reverse`, { amount: '0.50' })).status).toBe(200);
      expect(await rulesOf(intent)).toEqual([...before, 'posting@1', 'reversal@1']);

      const paged: Row[] = [];
      for (let more: string | null = ''; more !== null;) {
        // The first page is read while another transaction of the subject is posted.
        const [page]: [Page, unknown] = await Promise.all([
          rowsOf(intent, `&limit=1${more}`),
          more === '' ? write('POST', `/transactions/${intent}/reverse`, { amount: '0.50' }) : undefined,
        ]);
        paged.push(...page.transactions);
        more = page.next_cursor === null ? null : `&cursor=${page.next_cursor}`;
      }
      expect(paged.map(({ rule }) => rule)).toEqual([...before, 'posting@1', 'reversal@1', 'reversal@1']);
      expect(new Set(paged.map(({ sequence }) => sequence)).size).toBe(paged.length);

      const transfer = String((await daybook.transfer('1.00', { token: tenant.payToken })).body.transaction_id);
      expect((await post('cash', 'customers', '1.00', { key: transfer })).status).toBe(200);
      expect(await rulesOf(transfer)).toEqual(['transfer@1', 'posting@1']);
    });

    test('names the own transaction in a path, and the other by its sequence', async () => {
      const { settlement } = await settled();
      const id = settlement.transaction_id;
      expect((await post('cash', 'customers', '1.00', { key: id })).status).toBe(200);
      const { transactions } = await rowsOf(id);
      expect(transactions.map((row) => [row.transaction_id, row.rule])).toEqual([
        [id, 'settlement@1'],
        [id, 'posting@1'],
      ]);
      const [theirs, own] = transactions as [Row, Row];
      expect(await read(`/transactions/${id}`)).toMatchObject(own);
      expect(await read(`/transactions/${id}?sequence=${theirs.sequence}`)).toMatchObject(theirs);
      await eventually(
        async () => {
          for (const [query, { sequence }] of [
            ['', own],
            [`?sequence=${theirs.sequence}`, theirs],
          ] as const)
            expect(await read(`/transactions/${id}/proof${query}`)).toMatchObject({ transaction_id: id, sequence });
        },
        { timeoutMs: 20_000 },
      );
    });

    test('shows another tenant nothing, whatever keys it takes', async () => {
      const { intent, settlement } = await settled();
      const other = await openTenant(daybook, { txc: 0n });
      const as = (path: string) => daybook.request('GET', `/v1/ledger/transactions${path}`, { headers: other.client });
      const subjects = [intent, settlement.transaction_id];
      for (const subject of subjects) expect((await as(`?subject=${subject}`)).status).toBe(404);
      const headers = { ...other.client };
      for (const name of ['cash', 'owed'])
        await daybook.request('POST', '/v1/ledger/accounts', {
          headers,
          body: { name, asset: 'INR', type: name === 'cash' ? 'asset' : 'liability' },
        });
      for (const subject of subjects) {
        const body = { debit: 'cash', credit: 'owed', asset: 'INR', amount: '1.00' };
        const key = { 'Idempotency-Key': subject };
        const sent = { headers: { ...headers, ...key }, body };
        expect((await daybook.request('POST', '/v1/ledger/transactions', sent)).status).toBe(200);
        const { body: listed } = await as(`?subject=${subject}`);
        expect((listed.transactions as Row[]).map(({ rule }) => rule)).toEqual(['posting@1']);
        for (const part of ['', '/proof'])
          expect((await as(`/${subject}${part}?sequence=${settlement.sequence}`)).status).toBe(404);
      }
    });
  });

  test('50 transactions each reversed twice at once: 50 succeed, 50 are refused', async () => {
    const ids = Array.from({ length: 50 }, (_, n) => `twice-${n}`);
    const before = await postedOf('cash');
    await Promise.all(ids.map((key) => post('cash', 'customers', '2.00', { key })));
    const reversals = await Promise.all([...ids, ...ids].map((id) => write('POST', `/transactions/${id}/reverse`, {})));
    expect(reversals.filter(({ status }) => status === 200)).toHaveLength(50);
    expect(reversals.filter(({ body }) => body.code === 'TRANSACTION_ALREADY_REVERSED')).toHaveLength(50);
    expect(await postedOf('cash')).toBe(before);
    const { reversed_by: by, watermark } = await read('/transactions/twice-0');
    expect(by).toHaveLength(1);
    expect(watermark).toMatchObject({ sequence: expect.any(Number) });
  });

  test('the past is asked by both clocks, in statements and by day, and late postings need an open period', async () => {
    const day = (back: number) => new Date(Date.now() - back * 86_400_000).toISOString();
    const before = day(10);
    expect((await post('cash', 'customers', '7.00', { key: 'late', effective_at: day(5) })).status).toBe(200);
    const asOf = (query: string) => read(`/accounts/customers?${query}`);
    expect(await asOf(`as_of=${before}`)).toMatchObject({ posted: '0.00' });
    expect(await asOf(`as_of=${day(4)}`)).toMatchObject({ posted: '7.00', entry_count: 1 });
    expect(await asOf(`as_of=${day(4)}&known_at=${day(3)}`)).toMatchObject({ posted: '0.00' });
    const period = `from=${before.slice(0, 10)}&to=${day(-2).slice(0, 10)}&time_zone=Asia/Kolkata`;
    const statement = await read(`/accounts/customers/statement?${period}&limit=3`);
    expect(statement).toMatchObject({ opening: '0.00', closing: (await read('/accounts/customers')).posted });
    expect(statement.entries).toHaveLength(3);
    const { days } = (await read(`/accounts/customers/daily-balances?${period}`)) as unknown as {
      days: { closing: string }[];
    };
    expect(days.at(-1)?.closing).toBe(statement.closing);

    expect((await operate('/v1/ops/periods/close', { through: day(2), dry_run: true })).body).toMatchObject({
      dry_run: true,
    });
    expect(await read('/period')).toMatchObject({ open_from: null });
    const through = day(2);
    expect((await operate('/v1/ops/periods/close', { through })).status).toBe(200);
    expect(await read('/period')).toMatchObject({ open_from: new Date(Date.parse(through) + 1).toISOString() });
    const late = { effective_at: day(5) };
    expect((await post('cash', 'customers', '1.00', late)).body).toMatchObject({ code: 'PERIOD_CLOSED' });
    expect(
      (await post('cash', 'customers', '1.00', { ...late, closed_period: 'adjust', key: 'adjusted' })).status,
    ).toBe(200);
    expect(await read('/transactions/adjusted')).toMatchObject({ adjustment_for: late.effective_at });
    const future = await post('cash', 'customers', '1.00', { effective_at: day(-1) });
    expect(future).toMatchObject({ status: 400, body: { field: 'effective_at' } });
    const { lines } = (await read('/trial-balance')) as unknown as { lines: { asset: string; net: string }[] };
    const nets = lines.filter(({ asset }) => asset === 'INR').map(({ net }) => Math.round(Number(net) * 100));
    expect(nets.reduce((sum, net) => sum + net, 0)).toBe(0);
    expect(await read('/accounts/customers/lineage?limit=1')).toMatchObject({
      hops: [{ transaction: { transaction_id: 'adjusted' }, event: { type: 'TransactionPosted' } }],
    });
  });

  test('pages give each entry once while others are posted', async () => {
    await write('POST', '/accounts', { name: 'pages', asset: 'INR', type: 'asset' });
    const postSome = (from: number) =>
      Promise.all(
        Array.from({ length: 10 }, (_, n) => post('pages', 'customers', '1.00', { key: `page-${from + n}` })),
      );
    await postSome(0);
    const seen: string[] = [];
    for (let cursor: string | null = '', rounds = 0; cursor !== null && rounds < 50; rounds++) {
      const more = cursor === '' ? '' : `&cursor=${cursor}`;
      // Read at the same time as others post, for as long as there are any left to post.
      const [page] = await Promise.all([
        read(`/entries?account=pages&limit=4${more}`),
        rounds < 4 ? postSome(10 + rounds * 10) : undefined,
      ]);
      const { entries, next_cursor } = page as unknown as {
        entries: { transaction_id: string }[];
        next_cursor: string | null;
      };
      seen.push(...entries.map(({ transaction_id }) => transaction_id));
      cursor = next_cursor;
    }
    expect(seen.length).toBeGreaterThanOrEqual(10);
    expect(new Set(seen).size).toBe(seen.length);
    expect(await postedOf('pages')).toBe(50);
  });

  test('another tenant has the same names and keys, and finds none of these', async () => {
    const other = await openTenant(daybook, { txc: 0n });
    const as = (method: string, path: string, body?: unknown) =>
      daybook.request(method, `/v1/ledger${path}`, {
        headers: { ...other.client, ...(path.endsWith('/bulk') ? {} : { 'Idempotency-Key': 'deposit' }) },
        ...(body === undefined ? {} : { body }),
      });
    expect((await as('GET', '/accounts/cash')).status).toBe(404);
    expect((await as('GET', '/transactions/deposit')).status).toBe(404);
    expect((await as('GET', `/transactions/${encodeURIComponent(`${tenant.tenantId}/deposit`)}`)).status).toBe(404);
    const foreign = { debit: `acct:${tenant.tenantId}:cash`, credit: 'customers', asset: 'INR', amount: '1.00' };
    expect((await as('POST', '/transactions', foreign)).body).toMatchObject({ code: 'ACCOUNT_NOT_FOUND' });
    for (const [name, type] of [
      ['cash', 'asset'],
      ['customers', 'liability'],
    ])
      await as('POST', '/accounts', { name, asset: 'INR', type });
    // The key is used up by the refusal.
    expect((await as('POST', '/transactions', { ...foreign, debit: 'cash' })).status).toBe(409);
    const bulk = { atomic: true, transactions: [{ ...foreign, debit: 'cash', id: 'payout' }] };
    expect((await as('POST', '/transactions/bulk', bulk)).status).toBe(200);
    expect((await as('GET', '/accounts/cash')).body).toMatchObject({ account_id: 'cash', posted: '1.00' });
  });
});
