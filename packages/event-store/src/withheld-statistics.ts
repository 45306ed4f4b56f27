/**
 * Keeps what people wrote out of the planner's statistics of tables that others than their owner may read.
 *
 * Row-level security hides rows, but operators that cannot leak a value (`=` and `^@` of text among them) are estimated from
 * the statistics of the whole table: `explain` says how many rows begin with some letters, and a hidden text is found letter
 * by letter. So text and JSON of such a table has none, but for columns of its key and its indexes: those are ids, and
 * their owner's queries need good plans.
 */
import type { Tx } from './database';

type Withheld = { readonly schema: string; readonly table: string; readonly columns: readonly string[] };

/**
 * Of all tables in these schemas. It may be repeated; what was gathered already is removed, where the server is of version
 * 18 or later. An earlier one cannot, and keeps it for as long as the table is there.
 */
export async function withholdStatistics(tx: Tx, schemas: readonly string[]): Promise<void> {
  for (const { schema, table, columns } of await gatheringOf(tx, schemas)) {
    const targets = columns.map((name) => `alter column ${name} set statistics 0`);
    await tx.query(`alter table ${schema}.${table} ${targets.join(', ')}`);
    // `analyze` passes such a column over, and leaves what it knew of it before.
    if (await canClear(tx))
      await tx.query(`select pg_clear_attribute_stats($1, $2, name, false) from unnest($3::text[]) name`, [
        schema,
        table,
        columns,
      ]);
  }
}

async function canClear(tx: Tx): Promise<boolean> {
  const { rows } = await tx.query<{ can: boolean }>(`select to_regproc('pg_clear_attribute_stats') is not null as can`);
  return rows[0]!.can;
}

/** Tables with columns of which statistics would still be gathered. */
async function gatheringOf(tx: Tx, schemas: readonly string[]): Promise<readonly Withheld[]> {
  const { rows } = await tx.query<Withheld>(
    `select n.nspname::text as schema, c.relname::text as table, array_agg(a.attname::text order by a.attnum) as columns
       from pg_namespace n
       join pg_class c on c.relnamespace = n.oid and c.relkind = 'r' and c.relrowsecurity
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where n.nspname = any ($1) and a.atttypid in ('text'::regtype, 'jsonb'::regtype)
        and a.attstattarget is distinct from 0
        and not exists (select from pg_index i where i.indrelid = c.oid and a.attnum = any (i.indkey))
      group by 1, 2 order by 1, 2`,
    [schemas],
  );
  return rows;
}
