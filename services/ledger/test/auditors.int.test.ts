import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pool } from 'pg';
import type { Place } from '../src/app/audit-lists';
import { auditLists } from '../src/projections/audit-lists';
import { auditViews } from '../src/projections/audit-views';
import { alice, auditRig, bob, moved, opened, posted, type AuditRig } from './audit-rig';

const at = (second: number) => new Date(Date.parse('2026-05-01T00:00:00.000Z') + second * 1_000).toISOString();
const transfer = {
  transferId: 'transfer-1',
  debitTenantId: alice,
  debitAccountId: 'wallet-alice',
  creditTenantId: bob,
  creditAccountId: 'wallet-bob',
  asset: 'TXC',
  amount: 5n,
  referenceId: 'order',
  acceptedAt: at(6),
} as const;
const hash = 'a'.repeat(64);
const page = readFileSync(join(__dirname, '../../../docs/auditor.md'), 'utf8');

/** Something of everyone in every view. What belongs to one of them alone carries its name. */
async function history(rig: AuditRig): Promise<void> {
  const own = (name: string, tenantId: string, second: number) => [
    posted(`post-${name}`, moved('issuance', `wallet-${name}`, 100n), at(second), {
      tenantId,
      actor: name,
      description: `for ${name}`,
      metadata: { of: name },
      effectiveAt: at(second - 3_600),
      floorBreaches: [`wallet-${name}`],
    }),
    {
      type: 'HoldPlaced' as const,
      holdId: `hold-${name}`,
      contentHash: hash,
      tenantId,
      metadata: { of: name },
      accountId: `wallet-${name}`,
      asset: 'TXC' as const,
      amount: 7n,
      expiresAt: null,
      actor: name,
      at: at(second),
    },
    {
      type: 'CommandRejected' as const,
      commandId: `no-${name}`,
      commandType: 'PlaceHold',
      contentHash: null,
      rejection: 'account_not_found' as const,
      about: null,
      tenantId,
      actor: name,
      request: { of: name },
      at: at(second),
    },
  ];
  await rig.record([
    opened('issuance', at(0), { accountType: 'equity' }),
    opened('wallet-alice', at(0), { tenantId: alice }),
    opened('wallet-bob', at(0), { tenantId: bob }),
    ...own('alice', alice, 1),
    ...own('bob', bob, 2),
    { type: 'TransferAccepted', transfer, contentHash: hash, note: null, at: at(6) },
    {
      type: 'TransferConfirmed',
      transfer,
      rule: 'transfer@1',
      entries: moved('wallet-alice', 'wallet-bob', 5n),
      at: at(7),
    },
    {
      type: 'TransferAccepted',
      transfer: { ...transfer, transferId: 'transfer-2' },
      contentHash: hash,
      note: null,
      at: at(8),
    },
  ]);
  const { rows } = await rig.pool.query<{ reversed: string }>(
    `select ledger_reference as reversed from transactions_v1 where transaction_id = 'post-alice'`,
  );
  await rig.record([
    {
      type: 'TransactionReversed',
      reversalId: 'back',
      contentHash: hash,
      transactionId: 'post-alice',
      reversed: rows[0]!.reversed,
      tenantId: alice,
      amount: 1n,
      remaining: 99n,
      rule: 'reversal@1',
      actor: 'alice',
      entries: moved('wallet-alice', 'issuance', 1n),
      at: at(9),
    },
    {
      type: 'PeriodClosed',
      closeId: 'april',
      contentHash: hash,
      through: '2026-04-30T23:59:59.999Z',
      openFrom: at(0),
      actor: 'operator',
      at: at(10),
    },
    {
      type: 'HoldPlaced',
      holdId: 'ops/hold',
      contentHash: hash,
      tenantId: null,
      metadata: { of: 'settlement' },
      accountId: 'wallet-alice',
      asset: 'TXC',
      amount: 1n,
      expiresAt: null,
      actor: 'settling',
      at: at(11),
    },
    {
      type: 'AccountLimitsSet',
      changeId: 'limits',
      contentHash: hash,
      accountId: 'wallet-alice',
      floor: -5n,
      ceiling: null,
      actor: 'limiting',
      at: at(12),
    },
    {
      type: 'AccountFrozen',
      changeId: null,
      contentHash: null,
      accountId: 'wallet-bob',
      actor: 'freezing',
      at: at(13),
    },
  ]);
}

describe('auditors', () => {
  let rig: AuditRig;
  const pools = new Map<string, { readonly pool: Pool; readonly role: string }>();

  beforeAll(async () => {
    rig = await auditRig();
    await history(rig);
    for (const [name, tenant] of [
      ['operator', null],
      ['alice', alice],
      ['bob', bob],
      ['nobody', undefined],
    ] as const) {
      const role = `auditor_${name}_${randomBytes(4).toString('hex')}`;
      await rig.pool.query(`create role ${role} login password '${role}'`);
      if (tenant === undefined) await rig.pool.query(`grant usage on schema ledger to ${role}`);
      else await rig.pool.query('select ledger.register_auditor($1, $2)', [role, tenant]);
      const url = Object.assign(new URL(rig.url), { username: role, password: role }).href;
      pools.set(name, { pool: new Pool({ connectionString: url, max: 2, options: '-c search_path=ledger' }), role });
    }
  });
  afterAll(async () => {
    for (const { pool } of pools.values()) await pool.end();
    // The roles are the server's: nothing of the database may depend on them any more.
    for (const { role } of pools.values()) {
      await rig.pool.query(`delete from auditors where role_name = '${role}'`);
      await rig.pool.query(`revoke usage on schema ledger from ${role}; drop role ${role}`);
    }
    await rig.close();
  });

  /** Everything that the role may select from, by name, with its rows as text. */
  async function everything(name: string): Promise<ReadonlyMap<string, readonly string[]>> {
    const { pool } = pools.get(name)!;
    const { rows } = await pool.query<{ relation: string }>(
      `select c.oid::regclass::text as relation from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'v', 'm', 'p', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
         and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')`,
    );
    const found = new Map<string, readonly string[]>();
    for (const { relation } of rows) {
      const answer = await pool
        .query<{ row: string }>(`select to_jsonb(r)::text as row from ${relation} r`)
        // A view of a table that nobody was let into.
        .catch((error: { code?: string }) => (error.code === '42501' ? { rows: [] } : Promise.reject(error)));
      found.set(
        relation,
        answer.rows.map(({ row }) => row),
      );
    }
    return found;
  }

  test('the operator sees rows in every view but that of gaps', async () => {
    const found = await everything('operator');
    const views = auditViews.map(({ name }) => name);
    expect(views.filter((name) => (found.get(name) ?? []).length === 0)).toEqual(['audit_gaps']);
  });

  test.each([
    ['alice', 'bob', bob],
    ['bob', 'alice', alice],
  ])('of everything there is to read, %s sees nothing of %s', async (name, other, otherTenant) => {
    const found = await everything(name);
    // The transfer between them concerns both, so both see it and whose it is.
    const shared = /"transaction_id": "transfer-1"/;
    const foreign = [...found].flatMap(([relation, rows]) =>
      rows
        .filter((row) => row.includes(other) || (row.includes(otherTenant) && !shared.test(row)))
        .map((row) => `${relation}: ${row}`),
    );
    expect(foreign).toEqual([]);
    const own = [...found].filter(([relation, rows]) => relation.startsWith('audit_') && rows.length > 0);
    const operators = ['audit_gaps', 'audit_journal'];
    const none = name === 'alice' ? operators : [...operators, 'audit_reversals'];
    expect(own.map(([relation]) => relation).toSorted()).toEqual(
      auditViews
        .map((view) => view.name)
        .filter((view) => !none.includes(view))
        .toSorted(),
    );
  });

  test('what is noted of a hold is shown to the side that placed it, whoever the account belongs to', async () => {
    const shown = async (name: string) => {
      const { rows } = await pools
        .get(name)!
        .pool.query<object>(
          `select hold_id, actor, metadata from audit_holds where kind = 'hold' order by placed_at desc`,
        );
      return rows;
    };
    const own = (name: string) => ({ hold_id: `hold-${name}`, actor: name, metadata: { of: name } });
    const noted = { hold_id: 'ops/hold', actor: 'settling', metadata: { of: 'settlement' } };
    expect(await shown('operator')).toEqual([noted, own('bob'), own('alice')]);
    expect(await shown('alice')).toEqual([{ hold_id: 'ops/hold', actor: null, metadata: null }, own('alice')]);
    expect(await shown('bob')).toEqual([own('bob')]);
    const rows = [...(await everything('alice')).values()].flat();
    expect(rows.filter((row) => /settl(ing|ement)/.test(row))).toEqual([]);
  });

  test('who opened, limited or froze an account, and who posted, is shown with it', async () => {
    const ask = async (name: string, query: string) => (await pools.get(name)!.pool.query<object>(query)).rows;
    const changes = 'select account_id, change, floor, actor from audit_account_changes order by sequence';
    const opened = (accountId: string) => ({ account_id: accountId, change: 'opened', floor: null, actor: null });
    const limited = { account_id: 'wallet-alice', change: 'limits', floor: '-5', actor: 'limiting' };
    const frozen = { account_id: 'wallet-bob', change: 'frozen', floor: null, actor: 'freezing' };
    const all = [...['issuance', 'wallet-alice', 'wallet-bob'].map(opened), limited, frozen];
    expect(await ask('operator', changes)).toEqual(all);
    expect(await ask('alice', changes)).toEqual([opened('wallet-alice'), limited]);
    expect(await ask('bob', changes)).toEqual([opened('wallet-bob'), frozen]);
    const posters = 'select transaction_id, actor from audit_transactions order by sequence';
    expect(await ask('alice', posters)).toEqual([
      { transaction_id: 'post-alice', actor: 'alice' },
      { transaction_id: 'transfer-1', actor: null },
      { transaction_id: 'back', actor: 'alice' },
    ]);
  });

  test('no function shows a tenant the account of another, or the journal', async () => {
    const { pool } = pools.get('alice')!;
    const ask = async (call: string) => (await pool.query<object>(`select * from ${call}`)).rows;
    const mine = `'sandbox', 'wallet-alice'`;
    const theirs = `'sandbox', 'wallet-bob'`;
    const days = `'2026-04-30', '2026-05-02'`;
    expect(await ask(`audit_totals_as_of(${mine})`)).toHaveLength(1);
    expect(await ask(`audit_totals_as_of(${theirs})`)).toEqual([]);
    expect(await ask(`audit_balance_as_of(${theirs})`)).toEqual([{ audit_balance_as_of: null }]);
    expect(await ask(`audit_daily_balances_between(${mine}, ${days})`)).toHaveLength(3);
    expect(await ask(`audit_daily_balances_between(${theirs}, ${days})`)).toEqual([]);
    expect((await ask(`audit_statement(${mine}, ${days})`)).length).toBeGreaterThan(3);
    expect(await ask(`audit_statement(${theirs}, ${days})`)).toEqual([]);
    expect(await ask(`audit_entries_between(${theirs}, '-infinity', 'infinity')`)).toEqual([]);
    expect(await ask(`audit_balances_as_of('sandbox')`)).toMatchObject([{ account_id: 'wallet-alice', posted: '94' }]);
    expect(await ask(`audit_trial_balance_as_of('sandbox')`)).toMatchObject([{ accounts: '1' }]);
    expect(await ask(`audit_pending_transfers()`)).toMatchObject([{ account_id: 'wallet-alice' }]);
    expect(await pools.get('bob')!.pool.query('select * from audit_pending_transfers()')).toMatchObject({ rows: [] });
    expect(await ask(`audit_journal_between('sandbox', 0, 100)`)).toEqual([]);
    const { rows } = await pools.get('operator')!.pool.query(`select * from audit_journal_between('sandbox', 2, 4)`);
    expect(rows).toMatchObject([{ sequence: '2' }, { sequence: '3' }, { sequence: '4' }]);
  });

  test('whoever may use the schema and is not registered sees nothing', async () => {
    const found = await everything('nobody');
    expect(found.size).toBeGreaterThan(auditViews.length);
    expect([...found.values()].flat()).toEqual([]);
  });

  test('no auditor gets at the journal, the registry or anything to write', async () => {
    const refused = [
      'select * from events',
      'select * from appends',
      'select * from auditors',
      'select * from transfers_v1',
      'select * from transaction_metadata_v1',
      'select * from stream_events($$book-sandbox$$, 0, 9)',
      `insert into auditors (role_name) values ('x')`,
      `select register_auditor(session_user::name, null)`,
      `update accounts_v1 set posted = 0`,
      `update ledger_g1.accounts_v1 set posted = 0`,
      `delete from audit_entries`,
      `delete from ledger_g1.entries_v1`,
      `insert into ledger_g1.watermarks_v1 values ('live', 1, now())`,
      `truncate ledger_g1.entries_v1`,
      `alter table ledger_g1.entries_v1 disable row level security`,
      `drop policy readers on ledger_g1.entries_v1`,
      `create table ledger.mine (n int)`,
      `create table ledger_g1.mine (n int)`,
      `create table public.mine (n int)`,
      `set role postgres`,
    ];
    for (const name of ['operator', 'alice']) {
      const { pool } = pools.get(name)!;
      const codes = await Promise.all(
        refused.map((text) =>
          pool.query(text).then(
            () => 'done',
            (error: { code?: string }) => error.code,
          ),
        ),
      );
      // Forbidden, or a view that nothing can be written through.
      const allowed = refused.filter((_text, index) => !['42501', '55000'].includes(codes[index] ?? ''));
      expect([name, allowed]).toEqual([name, []]);
    }
  });

  test('every view and column says what it is', async () => {
    const { rows } = await rig.pool.query<{ name: string; said: string | null; columns: string[]; silent: string[] }>(
      `select c.relname as name, obj_description(c.oid) as said, array_agg(a.attname::text order by a.attnum) as columns,
              coalesce(array_agg(a.attname::text) filter (where col_description(c.oid, a.attnum) is null), '{}') as silent
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
       where c.relkind = 'v' and c.relnamespace = 'ledger'::regnamespace and c.relname like 'audit%' group by c.oid`,
    );
    expect(rows.map(({ name }) => name).toSorted()).toEqual(auditViews.map(({ name }) => name).toSorted());
    for (const { name, said, columns, silent } of rows) {
      expect([name, silent]).toEqual([name, []]);
      expect(said).toMatch(/^v1: /);
      expect(columns).toEqual(Object.keys(auditViews.find((view) => view.name === name)!.columns));
    }
  });

  test('the calls answer the operator with everything and a tenant with its own, each with the watermark', async () => {
    const lists = auditLists(rig.pool);
    const ranges = { effectiveFrom: null, effectiveTo: null, recordedFrom: null, recordedTo: null };
    const page = { limit: 50, after: null };
    const holdsPage = { ...page, accountId: null, metadata: {} };
    const any = { transactionId: null, subject: null, accountId: null, metadata: {}, ...ranges, ...page };
    const watermark = { sequence: 16, at: at(13) };
    const search = async (asked: Partial<Parameters<typeof lists.findTransactions>[0]>) => {
      const found = await lists.findTransactions({ mode: 'sandbox', tenantId: null, ...any, ...asked });
      expect(found.watermark).toEqual(watermark);
      return found.transactions.map(({ transactionId }) => transactionId);
    };
    expect(await search({})).toEqual(['post-alice', 'post-bob', 'transfer-1', 'back']);
    expect(await search({ tenantId: alice })).toEqual(['post-alice', 'transfer-1', 'back']);
    expect(await search({ accountId: 'wallet-bob' })).toEqual(['post-bob', 'transfer-1']);
    expect(await search({ accountId: 'wallet-bob', tenantId: alice })).toEqual([]);
    expect(await search({ metadata: { of: 'bob' } })).toEqual(['post-bob']);
    expect(await search({ metadata: { of: 'bob' }, tenantId: alice })).toEqual([]);
    expect(await search({ subjects: ['transfer-1'], tenantId: bob })).toEqual(['transfer-1']);
    expect(await search({ subjects: ['post-alice'] })).toEqual(['post-alice', 'back']);
    expect(await search({ subjects: ['back'] })).toEqual(['back']);
    expect(await search({ subjects: ['back'], tenantId: alice, limit: 1 })).toEqual(['back']);
    expect(await search({ subjects: ['back'], tenantId: bob })).toEqual([]);
    expect(await search({ subjects: ['back'], accountId: 'wallet-bob' })).toEqual([]);
    expect(await search({ subjects: ['post-bob'], metadata: { of: 'bob' } })).toEqual(['post-bob']);
    const both = ['transfer-1', 'post-alice', 'back'];
    expect(await search({ subjects: both })).toEqual(['post-alice', 'transfer-1', 'back']);
    expect(await search({ subjects: both, tenantId: bob })).toEqual(['transfer-1']);
    expect(await search({ subjects: both, metadata: { of: 'alice' } })).toEqual(['post-alice']);
    expect(await search({ transactionId: 'post-bob' })).toEqual(['post-bob']);
    expect(await search({ recordedFrom: at(2), recordedTo: at(9) })).toEqual(['post-bob', 'transfer-1']);
    expect(await search({ effectiveTo: at(0) })).toEqual(['post-alice', 'post-bob']);
    const second = { postedAt: at(1), sequence: 3n, index: 0 };
    expect(await search({ after: second, limit: 1 })).toEqual(['post-bob']);
    expect(await search({ after: second, accountId: 'wallet-alice' })).toEqual(['transfer-1', 'back']);
    const [first] = (await lists.findTransactions({ mode: 'sandbox', tenantId: alice, ...any })).transactions;
    const breach = { accountId: 'wallet-alice', crossed: 'floor' };
    expect(first).toMatchObject({ reversedBy: ['back'], metadata: { of: 'alice' }, limitBreaches: [breach] });

    const entries = await lists.findEntries({
      mode: 'sandbox',
      tenantId: bob,
      accountId: null,
      asOf: at(7),
      knownAt: at(7),
      metadata: {},
      ...ranges,
      ...page,
    });
    expect(entries.entries.map(({ balance }) => balance)).toEqual([100n, 105n]);
    const lineage = await lists.findLineage({ mode: 'sandbox', tenantId: alice, accountId: 'wallet-alice', ...page });
    expect(lineage).toMatchObject({ posted: 94n, watermark });
    expect(lineage?.hops.map(({ entry, event }) => [entry.balance, event.type])).toEqual([
      [94n, 'TransactionReversed'],
      [95n, 'TransferConfirmed'],
      [100n, 'TransactionPosted'],
    ]);
    expect(
      await lists.findLineage({ mode: 'sandbox', tenantId: bob, accountId: 'wallet-alice', ...page }),
    ).toBeUndefined();
    const holds = await lists.findHolds({ mode: 'sandbox', tenantId: bob, status: 'open', ...holdsPage });
    expect(holds).toMatchObject({ holds: [{ holdId: 'hold-bob', remaining: 7n, metadata: { of: 'bob' } }], watermark });
    const refused = await lists.findRejections({ mode: 'sandbox', tenantId: null, rejection: null, ...page });
    expect(refused.rejections.map(({ commandId }) => commandId)).toEqual(['no-bob', 'no-alice']);
    const empty = await lists.findHolds({ mode: 'live', tenantId: null, status: null, ...holdsPage });
    expect(empty).toEqual({ holds: [], watermark: { sequence: null, at: null } });
  });

  test('docs/auditor.md lists every view, and each of its queries runs as it is written', async () => {
    for (const { name, comment } of auditViews)
      expect(page).toMatch(new RegExp(`\\| \`${name}\` +\\| ${escaped(comment)} +\\|`));
    const { pool } = pools.get('operator')!;
    const questions = [...page.matchAll(/```sql\n([^`]+)```\n\n```text\n([^\n]+)\n/g)];
    expect(questions.length).toBeGreaterThan(15);
    for (const [, text = '', header = ''] of questions) {
      const { fields } = await pool.query(text);
      expect([text, fields.map(({ name }) => name)]).toEqual([text, header.split('|').map((name) => name.trim())]);
    }
  });
});

test('pages of a tenant have each of its entries and transactions once, whoever else is in them', async () => {
  const rig = await auditRig();
  const own = (accountId: string, tenantId: string | null) => opened(accountId, at(0), { tenantId });
  await rig.record([
    ...['a1', 'a2'].map((accountId) => own(accountId, alice)),
    own('b1', bob),
    own('house', null),
    posted('both', moved('a1', 'a2', 5n), at(1)),
    posted('mixed', [...moved('house', 'a1', 1n), ...moved('a2', 'b1', 2n)], at(1)),
    posted('other', moved('house', 'b1', 1n), at(2)),
    posted('last', moved('a2', 'a1', 1n), at(3)),
  ]);
  const lists = auditLists(rig.pool);
  const ranges = { effectiveFrom: null, effectiveTo: null, recordedFrom: null, recordedTo: null };
  const any = { mode: 'sandbox', accountId: null, metadata: {}, ...ranges } as const;
  const entriesOf = async (tenantId: string) => {
    const seen: string[] = [];
    for (let after: Place | null = null; ;) {
      const { entries } = await lists.findEntries({ ...any, tenantId, asOf: null, knownAt: null, after, limit: 2 });
      const last = entries.at(-1);
      if (last === undefined) return seen;
      seen.push(...entries.map(({ transactionId, accountId }) => `${transactionId} ${accountId}`));
      after = { postedAt: last.postedAt, sequence: BigInt(last.sequence), index: last.entryIndex };
    }
  };
  expect(await entriesOf(alice)).toEqual(['both a1', 'both a2', 'mixed a1', 'mixed a2', 'last a2', 'last a1']);
  expect(await entriesOf(bob)).toEqual(['mixed b1', 'other b1']);
  const transactionsOf = async (tenantId: string) => {
    const all = { ...any, tenantId, transactionId: null, subject: null, after: null, limit: 10 };
    return (await lists.findTransactions(all)).transactions.map(({ transactionId }) => transactionId);
  };
  expect(await transactionsOf(alice)).toEqual(['both', 'mixed', 'last']);
  expect(await transactionsOf(bob)).toEqual(['mixed', 'other']);
  await rig.close();
});

test('pages of several subjects have what either caused once, in the order of the journal, while more is posted', async () => {
  const rig = await auditRig();
  const of = (subject: string, id: string, second: number, accountId = 'a1') =>
    posted(id, moved('house', accountId, 1n), at(second), { cause: { type: 'settlement', id, subject } });
  await rig.record([
    opened('a1', at(0), { tenantId: alice }),
    opened('b1', at(0), { tenantId: bob }),
    opened('house', at(0)),
    of('I', 'paid', 1),
    of('own/I', 'own/I', 2),
    of('I', 'theirs', 3, 'b1'),
    of('own/I', 'captured', 4),
    // Itself of one of them, and caused by the other.
    of('own/I', 'I', 5),
  ]);
  const lists = auditLists(rig.pool);
  const ranges = { effectiveFrom: null, effectiveTo: null, recordedFrom: null, recordedTo: null };
  const any = { mode: 'sandbox', transactionId: null, accountId: null, metadata: {}, ...ranges } as const;
  // The second again must not list anything again.
  const subjects = ['own/I', 'I', 'I'];
  const seen: string[] = [];
  for (let after: Place | null = null; ;) {
    const { transactions } = await lists.findTransactions({
      ...any,
      tenantId: alice,
      subject: null,
      subjects,
      after,
      limit: 3,
    });
    const last = transactions.at(-1);
    if (last === undefined) break;
    seen.push(...transactions.map(({ transactionId }) => transactionId));
    after = { postedAt: last.postedAt, sequence: BigInt(last.sequence), index: 0 };
    if (seen.length === 3) await rig.record([of('I', 'settled', 6), of('other', 'other', 7), of('own/I', 'undone', 8)]);
  }
  expect(seen).toEqual(['paid', 'own/I', 'captured', 'I', 'settled', 'undone']);
  await rig.close();
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
