/**
 * What the read models that write transactions_v1 have in common: how a row is replaced, and the table beside it that says
 * who is not done and when somebody looks at it next.
 */
import type { Mode } from '@daybook/contracts';
import type { EventPlace, Sql } from '@daybook/event-store';
import type { Pool, QueryResultRow } from 'pg';

export type CheckTable = 'send_checks' | 'transfer_checks';

/** Rows of a table of checks. Written with the read model and by the worker. */
export type Checks = {
  /** Those that are due, the longest waiting first. */
  due(now: Date, limit: number): Promise<readonly { readonly transactionId: string; readonly attempts: number }[]>;
  /** When the first one is due. */
  next(): Promise<Date | null>;
  again(transactionId: string, at: Date): Promise<void>;
};

export type OpenTransactions = { readonly count: number; readonly oldest: Date | null };

/** An older revision of a stream never replaces a newer one. */
export function replaceTransaction(columns: Readonly<Record<string, unknown>>, { revision }: EventPlace): Sql {
  const all = { ...columns, revision };
  const names = Object.keys(all);
  return {
    text: `insert into transactions_v1 (${names.join(', ')})
           values (${names.map((_, index) => `$${index + 1}`).join(', ')})
           on conflict (transaction_id) do update set ${names.map((name) => `${name} = excluded.${name}`).join(', ')}
           where transactions_v1.revision < excluded.revision`,
    values: Object.values(all),
  };
}

export function endCheck(table: CheckTable, transactionId: string): Sql {
  return { text: `delete from ${table} where transaction_id = $1`, values: [transactionId] };
}

/** Which rows of a table of checks: a condition in SQL, of which `$1` and so on are the values. */
export type Narrowed = { readonly where: string; readonly values: readonly unknown[] };

export function checksOf(
  pool: Pool,
  table: CheckTable,
  { where, values }: Narrowed = { where: 'true', values: [] },
): Checks {
  const rest = values.length;
  return {
    async due(now, limit) {
      const rows = await select<{ transaction_id: string; attempts: number }>(
        pool,
        `select transaction_id, attempts from ${table} where ${where} and check_at <= $${rest + 1}
         order by check_at, transaction_id limit $${rest + 2}`,
        [...values, now, limit],
      );
      return rows.map((row) => ({ transactionId: row.transaction_id, attempts: row.attempts }));
    },
    async next() {
      const next = `select min(check_at) as check_at from ${table} where ${where}`;
      const [row] = await select<{ check_at: Date | null }>(pool, next, [...values]);
      return row?.check_at ?? null;
    },
    async again(transactionId, at) {
      await select(pool, `update ${table} set attempts = attempts + 1, check_at = $2 where transaction_id = $1`, [
        transactionId,
        at,
      ]);
    },
  };
}

export async function openTransactions(pool: Pool, table: CheckTable): Promise<OpenTransactions> {
  const [row] = await select<OpenTransactions>(
    pool,
    `select count(*)::int as count, min(t.created_at) as oldest
     from ${table} c join transactions_v1 t using (transaction_id)`,
  );
  return row ?? { count: 0, oldest: null };
}

/** Payouts of a mode that are pending: sends that are not signed, and transfers of which no institution says anything yet. */
export async function waitingPayouts(
  pool: Pool,
  mode: Mode,
): Promise<{ readonly sends: number; readonly transfers: number }> {
  const count = (table: CheckTable) =>
    `(select count(*)::int from ${table} join transactions_v1 using (transaction_id)
      where mode = $1 and status = 'pending' and hash is null)`;
  const text = `select ${count('send_checks')} as sends, ${count('transfer_checks')} as transfers`;
  const [row] = await select<{ sends: number; transfers: number }>(pool, text, [mode]);
  return row ?? { sends: 0, transfers: 0 };
}

/** All that is not done is due, as if it was looked at for the first time. */
export async function wakePayouts(pool: Pool, now: Date): Promise<void> {
  for (const table of ['send_checks', 'transfer_checks'] as const)
    // In the order of their ids, or two who write many could wait for each other.
    await select(
      pool,
      `update ${table} set attempts = 0, check_at = least(check_at, $1) where transaction_id in
         (select transaction_id from ${table} order by transaction_id for update)`,
      [now],
    );
}

export async function select<Row extends QueryResultRow>(
  pool: Pool,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const { rows } = await pool.query<Row>(text, values);
  return rows;
}
