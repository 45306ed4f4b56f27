import { eventually, testDatabase, type TestDatabase } from '@daybook/testing';
import { copiedRows } from '../src/copied-rows';
import { openDatabase } from '../src/database';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

/** More than the sockets take: the server is still sending when the scan is left. */
const sql = `copy (select repeat('x', 1000000) from generate_series(1, 200)) to stdout (format binary)`;

const copying = async () =>
  (
    await database
      .pool('public')
      .query(`select from pg_stat_activity where datname = current_database() and query like 'copy (select repeat%'`)
  ).rowCount;

test('a scan that is left before its end leaves nobody behind on the server, and whoever waits gets the connection', async () => {
  const pool = openDatabase({ url: database.url, schema: 'public', poolMax: 1, onError: () => undefined });
  let waiting: Promise<unknown> | undefined;
  for await (const rows of copiedRows(pool, () => sql)) {
    expect(rows[0]?.[0]).toHaveLength(1_000_000);
    expect(await copying()).toBe(1);
    waiting = pool.query('select 1');
    break;
  }
  await waiting;
  await eventually(async () => expect(await copying()).toBe(0), { timeoutMs: 5_000 });
  await pool.end();
});
