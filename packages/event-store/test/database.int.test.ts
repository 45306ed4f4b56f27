import { swallowingWay, testDatabase, type TestDatabase } from '@daybook/testing';
import type { Pool } from 'pg';
import {
  inTransaction,
  inTransactionAfter,
  openDatabase,
  runAll,
  together,
  waitForAnswers,
  withConnection,
  type Tx,
} from '../src/database';
import { eventStoreMigrations, migrate } from '../src/migrate';
import { postgresEventStore } from '../src/postgres-event-store';
import { anEvent } from './counted-events';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

describe('openDatabase', () => {
  test('a URL with options of its own still gets the schema and the limits', async () => {
    const url = `${database.url}?options=${encodeURIComponent('-c work_mem=5MB -c search_path=elsewhere')}`;
    const pool = openDatabase({ url, schema: 'mine', poolMax: 2, onError: () => undefined });
    const { rows } = await pool.query(
      `select current_setting('search_path') as path, current_setting('statement_timeout') as limit, current_setting('lock_timeout') as locks, current_setting('idle_in_transaction_session_timeout') as idle, current_setting('work_mem') as memory`,
    );
    expect(rows).toEqual([{ path: 'mine', limit: '30s', locks: '10s', idle: '30s', memory: '5MB' }]);
    await pool.end();
  });
});

test('what is asked of the pool itself fails as an outage, and a mistake stays what it is', async () => {
  const pool = openDatabase({ url: database.url, schema: 'public', poolMax: 1, onError: () => undefined });
  const outage = { code: 'store_unavailable', retryable: true };
  await expect(pool.query('select pg_terminate_backend(pg_backend_pid())')).rejects.toMatchObject(outage);
  await expect(pool.query('select nothing_of_this_name')).rejects.toMatchObject({ code: '42703' });
  expect((await pool.query('select 1')).rowCount).toBe(1);
  await pool.end();
  const gone = openDatabase({
    url: 'postgres://127.0.0.1:1/none',
    schema: 'public',
    poolMax: 1,
    onError: () => undefined,
  });
  await expect(gone.query('select 1')).rejects.toMatchObject(outage);
  await expect(gone.connect()).rejects.toMatchObject(outage);
});

describe('a way that swallows everything and closes nothing', () => {
  test('is given up after the silence, and the next connection serves; only who asks for it waits longer', async () => {
    const way = await swallowingWay(database.url);
    const { url } = way;
    const pool = openDatabase({ url, schema: 'public', poolMax: 1, onError: () => undefined, answerTimeoutMs: 300 });
    await pool.query('select 1');
    way.swallow(true);
    const lost = inTransaction(pool, (tx) => tx.query('select 1'));
    await expect(lost).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
    way.swallow(false);
    await expect(inTransaction(pool, (tx) => tx.query('select 1'))).resolves.toMatchObject({ rowCount: 1 });
    await withConnection(pool, async (client) => {
      waitForAnswers(client);
      expect((await client.query('select pg_sleep(0.6)')).rowCount).toBe(1);
    });
    const late = { code: 'store_unavailable', cause: { message: 'Query read timeout' } };
    await expect(pool.query('select pg_sleep(0.6)')).rejects.toMatchObject(late);
    await pool.end();
    await way.stop();
  });

  test('takes no connection of an append with it: whoever waits for one gets another', async () => {
    await migrate(database.pool('events'), 'events', [eventStoreMigrations]);
    const way = await swallowingWay(database.url);
    const pool = openDatabase({
      url: way.url,
      schema: 'events',
      poolMax: 1,
      onError: () => undefined,
      answerTimeoutMs: 300,
    });
    const store = postgresEventStore(pool);
    await store.append('swallowed', [anEvent()], 'no_stream');
    way.swallow(true);
    const lost = store.append('swallowed', [anEvent()], 0n);
    const waiting = store.readStream('swallowed');
    // Not before: what is connected while the way swallows is lost, too.
    pool.once('release', () => way.swallow(false));
    await expect(lost).rejects.toMatchObject({ code: 'outcome_unknown' });
    expect(await waiting).toHaveLength(1);
    await store.close();
    await pool.end();
    await way.stop();
  });
});

test('a connection outlives its appends: what was answered is not waited for', async () => {
  await migrate(database.pool('events'), 'events', [eventStoreMigrations]);
  const answerTimeoutMs = 300;
  const pool = openDatabase({
    url: database.url,
    schema: 'events',
    poolMax: 1,
    onError: () => undefined,
    answerTimeoutMs,
  });
  const store = postgresEventStore(pool);
  const session = async () => (await pool.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid;
  await store.append('s', [anEvent()], 'no_stream');
  const before = await session();
  await database.pool('events').query('select pg_sleep($1)', [(2 * answerTimeoutMs) / 1_000]);
  expect(await session()).toBe(before);
  await store.close();
  await pool.end();
});

describe('inTransaction', () => {
  test('a connection that breaks between two statements is an outage, not the end of the process, and is not used again', async () => {
    const pool = openDatabase({ url: database.url, schema: 'public', poolMax: 1, onError: () => undefined });
    const other = openDatabase({ url: database.url, schema: 'public', poolMax: 1, onError: () => undefined });
    const broken = inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
      const lost = new Promise((resolve) => tx.once('end', resolve));
      await other.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
      await lost;
      await tx.query('select 1');
    });
    await expect(broken).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
    await expect(inTransaction(pool, (tx) => tx.query('select 1'))).resolves.toMatchObject({ rowCount: 1 });
    await Promise.all([pool.end(), other.end()]);
  });

  test('rolls back what was done before an error and passes the error on', async () => {
    const pool = openDatabase({ url: database.url, schema: 'public', poolMax: 1, onError: () => undefined });
    await pool.query('create table things (id int)');
    const bug = new Error('bug');
    const failed = inTransaction(pool, async (tx) => {
      await tx.query('insert into things values (1)');
      throw bug;
    });
    await expect(failed).rejects.toBe(bug);
    expect((await pool.query('select * from things')).rows).toEqual([]);
    await pool.end();
  });
});

/** One that takes several statements at a time, as services have it, or one after the other. */
function connections(pipeline: boolean): Pool {
  if (!pipeline) return database.pool('public');
  return openDatabase({ url: database.url, schema: 'public', poolMax: 1, onError: () => undefined });
}

describe('inTransactionAfter', () => {
  test.each([true, false])(
    'begins with what it reads, and leaves nothing when that fails; pipelined: %s',
    async (pipeline) => {
      const pool = connections(pipeline);
      const now = (tx: Tx) => tx.query<{ now: string }>('select now()::text as now, pg_sleep(0.001)');
      const times = await inTransactionAfter(pool, now, async (tx, { rows }) => [...rows, ...(await now(tx)).rows]);
      // The time of a transaction stands still.
      expect(new Set(times.map((row) => row.now)).size).toBe(1);
      await pool.query('drop table if exists begun; create table begun (id int)');
      const wrong = async (tx: Tx) => {
        await tx.query('insert into begun values (1)');
        await tx.query('not sql');
      };
      const work = () => Promise.reject(new Error('it goes on'));
      await expect(inTransactionAfter(pool, wrong, work)).rejects.toMatchObject({ code: '42601' });
      expect((await pool.query('select * from begun')).rows).toEqual([]);
      if (pipeline) await pool.end();
    },
  );
});

describe('together', () => {
  test('asks in order, and fails with what the first failed with', async () => {
    const pool = openDatabase({ url: database.url, schema: 'public', poolMax: 1, onError: () => undefined });
    const ask = (text: string) => (tx: Tx) => tx.query<{ n: number }>(text);
    const both = (first: string, second: string) =>
      inTransaction(pool, (tx) => together(tx, [() => ask(first)(tx), () => ask(second)(tx)]));
    const [one, two] = await both(`select set_config('my.n', '7', true)`, `select current_setting('my.n')::int as n`);
    expect([one.rowCount, two.rows]).toEqual([1, [{ n: 7 }]]);
    await expect(both('select 1/0', 'select 1')).rejects.toMatchObject({ code: '22012' });
    await expect(both('select 1', 'not sql')).rejects.toMatchObject({ code: '42601' });
    await expect(both('select 1/0', 'not sql')).rejects.toMatchObject({ code: '22012' });
    await pool.end();
  });
});

describe('runAll', () => {
  const insert = (id: number) => ({ text: 'insert into numbers (id) values ($1)', values: [id] });

  test.each([true, false])(
    'runs statements in order, and fails with the first failure; pipelined: %s',
    async (pipeline) => {
      const pool = connections(pipeline);
      await pool.query('drop table if exists numbers; create table numbers (place serial, id int unique)');
      const ids = Array.from({ length: 300 }, (_, n) => 300 - n);
      await inTransaction(pool, (tx) => runAll(tx, ids.map(insert)));
      const wrong = [insert(1_000), insert(300), insert(1_001), { text: 'not sql', values: [] }];
      await expect(inTransaction(pool, (tx) => runAll(tx, wrong))).rejects.toMatchObject({ code: '23505' });
      await expect(inTransaction(pool, (tx) => runAll(tx, wrong.slice(3)))).rejects.toMatchObject({ code: '42601' });
      // The connection and its prepared statement serve on.
      await inTransaction(pool, (tx) => runAll(tx, [insert(2_000)]));
      const { rows } = await pool.query<{ id: number }>('select id from numbers order by place');
      expect(rows.map(({ id }) => id)).toEqual([...ids, 2_000]);
      if (pipeline) await pool.end();
    },
  );

  test('does not keep more prepared statements than it says', async () => {
    const pool = openDatabase({ url: database.url, schema: 'public', poolMax: 1, onError: () => undefined });
    const texts = Array.from({ length: 600 }, (_, n) => ({ text: `select ${n}`, values: [] }));
    await inTransaction(pool, (tx) => runAll(tx, texts));
    const { rows } = await pool.query<{ count: string }>('select count(*) from pg_prepared_statements');
    expect(Number(rows[0]?.count)).toBeGreaterThan(200);
    expect(Number(rows[0]?.count)).toBeLessThanOrEqual(400);
    await pool.end();
  });
});
