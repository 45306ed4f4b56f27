/** The rows of a query by `COPY` in binary format, on a connection of its own. */
import type { Pool, PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { copyRows } from './copy-rows';
import { waitForAnswers } from './database';
import { asOperational } from './operational';

/** So much may lie ready while the consumer works. */
const readAheadBytes = 1024 * 1024;

/** The connection goes back to the pool when the last row was read; one that is left before that is closed. */
export async function* copiedRows(
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
    waitForAnswers(client);
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
    // With the pipeline on, closing would wait for the rest of the rows, which nobody reads any more.
    if (complete) connection.pipeline = pipeline;
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
