/** Many events of the whole log by `COPY` in binary format, whatever streams they are of. */
import type { Pool } from 'pg';
import { copiedRows } from './copied-rows';
import type { StoredEvent } from './event-store';
import { eventsOfRow, packedColumns } from './packed-events';

/** Where the fields are that follow the columns of `packedColumns`. */
const fieldsBehind = packedColumns.split(', ').length;

/** `chosen` is a query for (tx, position, skip, upto): appends in the log's order, and which of their events. */
export async function copyEvents(pool: Pool, chosen: string): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  const streams = textKeeper();
  for await (const rows of copiedRows(pool, () => copySql(chosen))) {
    for (const row of rows) {
      const first = Number(row[2]!.readBigInt64BE(0));
      const stream = streams(row[fieldsBehind]!);
      const from = first + row[fieldsBehind + 1]!.readInt32BE(0);
      const to = first + row[fieldsBehind + 2]!.readInt32BE(0) - 1;
      eventsOfRow(row, { stream, from, to }, events);
    }
  }
  return events;
}

/** Chosen and read in one statement, hence from one snapshot: as exact as any other reading of the log. */
function copySql(chosen: string): string {
  const columns = packedColumns.split(', ').map((column) => `a.${column}`);
  return `copy (select ${columns.join(', ')}, a.stream, c.skip, c.upto from (${chosen}) c
                 cross join lateral (select * from appends where tx = c.tx and position = c.position limit 1) a
                 order by c.tx, c.position) to stdout (format binary)`;
}

/** Streams repeat from row to row. */
function textKeeper(): (bytes: Buffer) => string {
  let known: Buffer = Buffer.alloc(0);
  let text = '';
  return (bytes) => {
    if (!bytes.equals(known)) [known, text] = [bytes, bytes.toString('utf8')];
    return text;
  };
}
