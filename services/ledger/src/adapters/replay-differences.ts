/**
 * Where two generations of the read models differ, in the one snapshot that shows both at the same place: rows by table,
 * and what it comes to by account. The work is the database's; only what differs leaves it.
 */
import type { ComparedSchemas, ProjectionTable } from '@daybook/event-store';
import type { PoolClient } from 'pg';
import type { AccountDifference, RangeDifference, ReplayDifferences, ReplayScope, TableCounts } from '../app/replay';

/** Accounts that are listed; more are only counted. */
const listedMax = 1_000;

export function replayDifferences(tables: readonly ProjectionTable[]) {
  return async (client: PoolClient, schemas: ComparedSchemas, scope: ReplayScope): Promise<ReplayDifferences> => {
    const counts: TableCounts[] = [];
    for (const table of tables) counts.push(await countsOf(client, schemas, table, scope));
    const accounts = await accountsOf(client, schemas, scope);
    return { tables: counts, ...accounts, range: await rangeOf(client, schemas, scope) };
  };
}

/** A table of each side, to select from. One that is missing is as one without rows. */
function sidesOf({ live, rebuilt, missing }: ComparedSchemas, table: string) {
  const made = `${rebuilt}.${table}`;
  return { live: missing.has(table) ? `(select * from ${made} where false)` : `${live}.${table}`, rebuilt: made };
}

type Condition = { readonly text: string; readonly values: unknown[] };

/** The part of a table that the scope is about, as far as it has the columns to tell. */
function within(columns: readonly string[], { mode, tenantId, accountId, from, to }: ReplayScope): Condition {
  const values: unknown[] = [];
  const parts: string[] = [];
  const add = (column: string, operator: string, value: string | number | null) => {
    if (value === null || !columns.includes(column)) return;
    values.push(value);
    parts.push(`${column} ${operator} $${values.length}`);
  };
  add('mode', '=', mode);
  add('tenant_id', '=', tenantId);
  add('account_id', '=', accountId);
  add('sequence', '>=', from);
  add('sequence', '<=', to);
  return { text: parts.length === 0 ? 'true' : parts.join(' and '), values };
}

async function countsOf(
  client: PoolClient,
  schemas: ComparedSchemas,
  { name, columns, key }: ProjectionTable,
  scope: ReplayScope,
): Promise<TableCounts> {
  const { text, values } = within(Object.keys(columns), scope);
  const { live, rebuilt } = sidesOf(schemas, name);
  const part = (table: string) => `(select ${key.join(', ')}, t::text as line from ${table} t where ${text})`;
  const { rows } = await client.query<Record<keyof Omit<TableCounts, 'table'>, string>>(
    `select count(l.line) as live, count(r.line) as rebuilt,
            count(*) filter (where r.line is null) as "onlyLive",
            count(*) filter (where l.line is null) as "onlyRebuilt",
            count(*) filter (where l.line <> r.line) as changed
       from ${part(live)} l full join ${part(rebuilt)} r using (${key.join(', ')})`,
    values,
  );
  const row = rows[0]!;
  return {
    table: name,
    live: Number(row.live),
    rebuilt: Number(row.rebuilt),
    onlyLive: Number(row.onlyLive),
    onlyRebuilt: Number(row.onlyRebuilt),
    changed: Number(row.changed),
  };
}

const balances = ['posted', 'held', 'incoming', 'version'] as const;

async function accountsOf(
  client: PoolClient,
  schemas: ComparedSchemas,
  scope: ReplayScope,
): Promise<Pick<ReplayDifferences, 'accounts' | 'accountsDiffering'>> {
  const { text, values } = within(['mode', 'tenant_id', 'account_id'], scope);
  const { live, rebuilt } = sidesOf(schemas, 'accounts_v1');
  const side = (table: string) => `(select * from ${table} t where ${text})`;
  const columns = balances.flatMap((name) => [
    `coalesce(l.${name}, 0)::text as live_${name}`,
    `coalesce(r.${name}, 0)::text as rebuilt_${name}`,
  ]);
  const { rows } = await client.query<Record<string, string>>(
    `select account_id, coalesce(r.asset, l.asset) as asset, count(*) over () as differing, ${columns.join(', ')}
       from ${side(live)} l full join ${side(rebuilt)} r using (mode, account_id)
      where ${balances.map((name) => `l.${name} is distinct from r.${name}`).join(' or ')}
      order by account_id limit ${listedMax}`,
    values,
  );
  const accounts = rows.map((row): AccountDifference => {
    const of = (side: 'live' | 'rebuilt') => {
      const [posted, held, incoming, entries] = balances.map((name) => BigInt(row[`${side}_${name}`]!));
      return { posted: posted!, held: held!, incoming: incoming!, entries: entries! };
    };
    const [before, after] = [of('live'), of('rebuilt')];
    const delta = {
      posted: after.posted - before.posted,
      held: after.held - before.held,
      incoming: after.incoming - before.incoming,
      entries: after.entries - before.entries,
    };
    return { accountId: row['account_id']!, asset: row['asset']!, live: before, rebuilt: after, delta };
  });
  return { accounts, accountsDiffering: Number(rows[0]?.['differing'] ?? 0) };
}

/** Debits less credits of the entries in a part of the book. */
async function rangeOf(
  client: PoolClient,
  schemas: ComparedSchemas,
  scope: ReplayScope,
): Promise<readonly RangeDifference[] | null> {
  if (scope.from === null && scope.to === null) return null;
  const { text, values } = within(['mode', 'tenant_id', 'account_id', 'sequence'], scope);
  const { live, rebuilt } = sidesOf(schemas, 'entries_v1');
  const side = (table: string) =>
    `(select account_id, max(asset) as asset, sum(case direction when 'debit' then amount else -amount end) as net
        from ${table} t where ${text} group by account_id)`;
  const { rows } = await client.query<{ account_id: string; asset: string; live: string; rebuilt: string }>(
    `select account_id, coalesce(r.asset, l.asset) as asset, coalesce(l.net, 0)::text as live, coalesce(r.net, 0)::text as rebuilt
       from ${side(live)} l full join ${side(rebuilt)} r using (account_id)
      order by (l.net is distinct from r.net) desc, account_id limit ${listedMax}`,
    values,
  );
  return rows.map((row) => {
    const [before, after] = [BigInt(row.live), BigInt(row.rebuilt)];
    return { accountId: row.account_id, asset: row.asset, live: before, rebuilt: after, delta: after - before };
  });
}
