/** Reading from the read models together with how far they are: one statement, so both are of one moment. */
import type { Pool } from 'pg';

export type Watermark = { readonly sequence: number | null; readonly at: string | null };
export type Marked<Row> = { readonly rows: readonly Row[]; readonly watermark: Watermark };

type Mark = { applied_sequence: string | null; applied_at: Date | null; found: string | null };

/** The rows of a query, in its order, whose first value is the mode of the book. */
export async function markedRows<Row extends object>(
  pool: Pool,
  query: string,
  values: readonly unknown[],
): Promise<Marked<Row>> {
  const { rows } = await pool.query<Row & Mark>(
    `select w.sequence as applied_sequence, w.at as applied_at, r.*
     from (values (0)) as one (n)
     left join watermarks_v1 w on w.mode = $1
     left join (select q.*, row_number() over () as found from (${query}) q) r on true
     order by r.found`,
    [...values],
  );
  const mark = rows[0];
  return {
    rows: rows.filter(({ found }) => found !== null),
    watermark: {
      sequence: mark?.applied_sequence ? Number(mark.applied_sequence) : null,
      at: mark?.applied_at?.toISOString() ?? null,
    },
  };
}

/** The values of a statement that is put together, numbered as they come. */
export function values(...first: readonly unknown[]) {
  const all: unknown[] = [...first];
  const put = (value: unknown): string => `$${all.push(value)}`;
  return { all, put };
}
