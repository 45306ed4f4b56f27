/** What a tenant's auditor can read out of plans: `explain` is open to whoever may select. */
import { randomBytes } from 'node:crypto';
import { Pool } from 'pg';
import { alice, auditRig, bob, moved, opened, posted, type AuditRig } from './audit-rig';

const at = (second: number) => new Date(Date.parse('2026-05-01T00:00:00.000Z') + second * 1_000).toISOString();
const secret = 'Settlement of claim 4711';
const role = `auditor_${randomBytes(4).toString('hex')}`;
const hash = 'a'.repeat(64);

let rig: AuditRig;
let auditor: Pool;

beforeAll(async () => {
  rig = await auditRig();
  await rig.record([
    opened('issuance', at(0), { accountType: 'equity' }),
    opened('wallet-alice', at(0), { tenantId: alice }),
    opened('wallet-bob', at(0), { tenantId: bob }),
    ...Array.from({ length: 300 }, (_, n) => [
      posted(`post-${n}`, moved('issuance', 'wallet-bob', 1n), at(n), {
        tenantId: bob,
        actor: secret,
        description: secret,
        metadata: { of: secret },
      }),
      {
        type: 'CommandRejected' as const,
        commandId: `no-${n}`,
        commandType: 'PlaceHold',
        contentHash: hash,
        rejection: 'account_not_found' as const,
        about: null,
        tenantId: bob,
        actor: secret,
        request: { of: secret },
        at: at(n),
      },
    ]).flat(),
  ]);
  await rig.pool.query(`create role ${role} login password '${role}'`);
  await rig.pool.query('select register_auditor($1, $2)', [role, alice]);
  const url = Object.assign(new URL(rig.url), { username: role, password: role }).href;
  auditor = new Pool({ connectionString: url, max: 1 });
});
afterAll(async () => {
  await auditor.end();
  await rig.pool.query(`select unregister_auditor('${role}')`);
  await rig.pool.query(`drop role ${role}`);
  await rig.close();
});
// As autovacuum does.
beforeEach(() => rig.pool.query('analyze'));

async function estimateOf(query: string, value: string): Promise<number> {
  const { rows } = await auditor.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
    `explain (format json) ${query.replace('?', `'${value}'`)}`,
  );
  return rows[0]!['QUERY PLAN'][0].Plan['Plan Rows'];
}

test.each([
  'select from ledger.transaction_details_v1 where description ^@ ?',
  'select from ledger.transaction_details_v1 where description = ?',
  'select from ledger.transaction_details_v1 where description < ?',
  'select from ledger.audit_transactions where description ^@ ?',
  'select from ledger.transactions_v1 where actor ^@ ?',
  'select from ledger_g1.rejections_v1 where actor = ?',
  `select from ledger_g1.rejections_v1 where request ->> 'of' = ?`,
])('no letter of what another tenant wrote is told by explain %s', async (query) => {
  const [hidden, unheardOf] = [await estimateOf(query, secret), await estimateOf(query, 'Zebra')];
  expect(hidden).toBe(unheardOf);
});

test.each([
  ['select from ledger.entries_v1 where amount = ?', '1', '2'],
  ['select from ledger.entries_v1 where balance > ?', '0', '1000000'],
  ['select from ledger.accounts_v1 where posted > ?', '0', '1000000'],
])('no amount of another tenant is told by explain %s', async (query, fits, fitsNothing) => {
  expect(await estimateOf(query, fits)).toBe(await estimateOf(query, fitsNothing));
});

/**
 * Where a policy is asked after a comparison, the plan tells by what was never executed whether any row fits. Postgres asks
 * first those that cost no more than one comparison.
 */
test('of what was run, too, no explain tells whether a hidden text fits', async () => {
  const { rows } = await rig.pool.query<{ table: string; column: string; type: string }>(
    `select c.relname as table, a.attname as column, a.atttypid::regtype::text as type
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
      where c.relnamespace = 'ledger_g1'::regnamespace and c.relrowsecurity
        and a.atttypid in ('text'::regtype, 'jsonb'::regtype) and a.attstattarget = 0`,
  );
  expect(rows.map(({ column }) => column)).toEqual(
    expect.arrayContaining(['actor', 'cause_id', 'description', 'metadata', 'request', 'rule']),
  );
  for (const { table, column, type } of rows) {
    const plans = [secret, 'Zebra'].map(async (value) => {
      const fits = type === 'text' ? `${column} ^@ '${value}'` : `${column} = '{"of":"${value}"}'`;
      const explain = `explain (analyze, costs off, timing off, summary off, buffers off)`;
      const lines = await auditor.query<{ 'QUERY PLAN': string }>(
        `${explain} select from ledger_g1.${table} where ${fits}`,
      );
      return lines.rows.map((line) => line['QUERY PLAN'].replace(value, ''));
    });
    const [hidden, unheardOf] = await Promise.all(plans);
    expect([table, column, hidden]).toEqual([table, column, unheardOf]);
  }
});

test('of all that an auditor may read there are statistics of no text but keys and what is indexed', async () => {
  // Views that read with their owner's rights show nothing of these tables: they are barriers to the planner.
  const { rows } = await rig.pool.query<{ gathered: string }>(
    `select format('%s.%s', c.relname, a.attname) as gathered
       from pg_class c
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       join pg_type t on t.oid = a.atttypid
       left join pg_statistic s on s.starelid = c.oid and s.staattnum = a.attnum
      where c.relkind in ('r', 'm', 'p') and c.relnamespace::regnamespace::text ~ '^ledger'
        and has_table_privilege($1, c.oid, 'select') and t.typcategory not in ('N', 'D', 'B')
        and a.atttypid <> 'uuid'::regtype and (s.starelid is not null or a.attstattarget is distinct from 0)
      order by 1`,
    [role],
  );
  const told = new Set(rows.map(({ gathered }) => gathered.split('.')[1]));
  expect([...told].toSorted()).toEqual(ids.toSorted());
});

/** Whoever has such an id can find by explain whether it is there, and docs/auditor.md says so. */
const ids = ['mode', 'account_id', 'crossed', 'hold_id', 'reverses', 'subject', 'transaction_id'];
