import { testDatabase, type TestDatabase } from '@daybook/testing';
import { inTransaction, openDatabase } from '../src/database';

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
      `select current_setting('search_path') as path, current_setting('statement_timeout') as limit, current_setting('work_mem') as memory`,
    );
    expect(rows).toEqual([{ path: 'mine', limit: '30s', memory: '5MB' }]);
    await pool.end();
  });
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
