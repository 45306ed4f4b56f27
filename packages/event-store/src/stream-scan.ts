/** Many events of a stream by `COPY` in binary format, which is the fastest that Postgres hands out rows. */
import type { Pool } from 'pg';
import { copiedRows } from './copied-rows';
import type { StoredEvent } from './event-store';
import { eventsOfRow, packedColumns } from './packed-events';

export async function* scanStream(
  pool: Pool,
  stream: string,
  range: { readonly from: bigint; readonly to: bigint },
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const numbers = { stream, from: Number(range.from), to: Number(range.to) };
  for await (const rows of copiedRows(pool, (client) => scanSql(client.escapeLiteral(stream), range))) {
    const events: StoredEvent[] = [];
    for (const row of rows) eventsOfRow(row, numbers, events);
    if (events.length > 0) yield events;
  }
}

function scanSql(stream: string, { from, to }: { readonly from: bigint; readonly to: bigint }): string {
  return `copy (select ${packedColumns} from appends
                 where stream = ${stream}
                   and first_revision >= (select coalesce(max(first_revision), 0) from appends
                                           where stream = ${stream} and first_revision <= ${from})
                   and first_revision <= ${to} and last_revision >= ${from}
                 order by first_revision) to stdout (format binary)`;
}
