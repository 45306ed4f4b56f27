import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { columnTypes, type ProjectionTable } from './projection-table';

/** Equal exactly when the tables hold the same rows, byte for byte in the order of their key. */
export type TableDump = { readonly rows: number; readonly hash: string };

const rowsPerStepDefault = 20_000;

/** The hash of a canonical dump: every row as Postgres writes it, in the order of the key, hashed where it lies. */
export async function dumpTable(
  client: PoolClient,
  schema: string,
  table: ProjectionTable,
  { signal, rowsPerStep = rowsPerStepDefault }: { readonly signal?: AbortSignal; readonly rowsPerStep?: number },
): Promise<TableDump> {
  const key = table.key.join(', ');
  const backwards = table.key.map((name) => `${name} desc`).join(', ');
  const places = table.key.map(
    (name, index) => `$${index + 1}::${columnTypes[table.columns[name]!.type].array.slice(0, -2)}`,
  );
  const last = table.key.map((name) => `(array_agg(${name}::text order by ${backwards}))[1]`);
  const step = (after: string) =>
    `select count(*)::integer as rows, array[${last.join(', ')}] as last,
            encode(sha256(convert_to(coalesce(string_agg(line, E'\\n' order by ${key}), ''), 'UTF8')), 'hex') as hash
       from (select ${key}, (${Object.keys(table.columns).join(', ')})::text as line
               from ${schema}.${table.name} ${after} order by ${key} limit ${rowsPerStep}) rows`;
  const hash = createHash('sha256');
  let rows = 0;
  let from: readonly string[] | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const after = from === undefined ? '' : `where (${key}) > (${places.join(', ')})`;
    const answer = await client.query<{ rows: number; last: string[]; hash: string }>(step(after), [...(from ?? [])]);
    const found = answer.rows[0];
    if (found === undefined || found.rows === 0) return { rows, hash: hash.digest('hex') };
    hash.update(found.hash);
    rows += found.rows;
    from = found.last;
  }
}
