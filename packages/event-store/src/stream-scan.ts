/** Many events of a stream by `COPY` in binary format, which is the fastest that Postgres hands out rows. */
import type { Pool, PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { copyRows } from './copy-rows';
import type { StoredEvent } from './event-store';
import { asOperational } from './operational';
import { eventsOfRow, packedColumns } from './packed-events';

/** So much may lie ready while the consumer works. */
const readAheadBytes = 1024 * 1024;

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

/** The connection goes back to the pool when the last row was read; one that is left before that is closed. */
async function* copiedRows(
  pool: Pool,
  sqlFor: (client: PoolClient) => string,
): AsyncGenerator<Buffer[][], void, undefined> {
  const client = await connect(pool);
  let broken: Error | undefined;
  const onError = (error: Error) => (broken = error);
  client.on('error', onError);
  let complete = false;
  // The driver's pipeline takes no query that reads by itself. The connection is idle: nothing is in the pipeline.
  const connection: { pipeline: boolean } = client;
  const { pipeline } = connection;
  connection.pipeline = false;
  try {
    // It takes as long as its consumer: no statement is running away. It has written nothing and holds back no reader.
    await client.query('begin read only');
    await client.query('set local statement_timeout = 0');
    const rows = copyRows();
    for await (const chunk of client.query(copyTo(sqlFor(client), { highWaterMark: readAheadBytes }))) {
      const arrived = rows.push(chunk as Buffer);
      if (arrived.length > 0) yield arrived;
    }
    await client.query('commit');
    complete = true;
  } catch (error) {
    throw asOperational(broken ?? error);
  } finally {
    client.off('error', onError);
    connection.pipeline = pipeline;
    client.release(complete ? undefined : (broken ?? new Error('a scan was left before its end')));
  }
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw asOperational(error);
  }
}
