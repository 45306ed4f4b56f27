/** Many events of a stream by `COPY` in binary format, which is the fastest that Postgres hands out rows. */
import type { Pool } from 'pg';
import { copiedRows } from './copied-rows';
import type { StoredEvent } from './event-store';
import { bareColumns, bareEventsOfRow, eventsOfRow, packedColumns } from './packed-events';

export async function* scanStream(
  pool: Pool,
  stream: string,
  range: Range,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const numbers = { stream, from: Number(range.from), to: Number(range.to) };
  const read = range.bare ? bareEventsOfRow : eventsOfRow;
  for await (const rows of copiedRows(pool, (client) => scanSql(client.escapeLiteral(stream), range))) {
    const events: StoredEvent[] = [];
    for (const row of rows) read(row, numbers, events);
    if (events.length > 0) yield events;
  }
}

type Range = { readonly from: bigint; readonly to: bigint; readonly bare: boolean };

function scanSql(stream: string, { from, to, bare }: Range): string {
  return `copy (select ${bare ? bareColumns : packedColumns} from appends
                 where stream = ${stream}
                   and first_revision >= (select coalesce(max(first_revision), 0) from appends
                                           where stream = ${stream} and first_revision <= ${from})
                   and first_revision <= ${to} and last_revision >= ${from}
                 order by first_revision) to stdout (format binary)`;
}
