import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, fakeClock, testDatabase, testLogger, type TestDatabase } from '@daybook/testing';

describe('testDatabase', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());

  test('gives a pool whose search path is the schema', async () => {
    const pool = database.pool('ledger');
    await pool.query('create schema ledger');
    await pool.query('create table notes (id int)');
    const { rows } = await pool.query("select table_schema from information_schema.tables where table_name = 'notes'");
    expect(rows).toEqual([{ table_schema: 'ledger' }]);
  });

  test('shares nothing with another one', async () => {
    const other = await testDatabase();
    const { rows } = await other.pool('public').query("select to_regclass('ledger.notes') as found");
    await other.drop();
    expect(rows).toEqual([{ found: null }]);
  });

  test('is dropped while a connection is open', async () => {
    const other = await testDatabase();
    const client = await other.pool('public').connect();
    client.on('error', () => undefined);
    const gone = other.drop();
    await eventually(() => expect(client.query('select 1')).rejects.toThrow(/connection|terminat/i), {
      timeoutMs: 5_000,
    });
    client.release(true);
    await gone;
  });
});

describe('eventually', () => {
  test('returns the first result that does not throw', async () => {
    let attempts = 0;
    const check = () => {
      if (++attempts < 3) throw new Error('not yet');
      return attempts;
    };
    await expect(eventually(check, { timeoutMs: 1_000 })).resolves.toBe(3);
  });

  test('reports the last error', async () => {
    const check = () => Promise.reject(new Error('never'));
    await expect(eventually(check, { timeoutMs: 30 })).rejects.toThrow('still so after 30 ms: never');
  });
});

describe('observers', () => {
  test('the logger keeps redacted lines', () => {
    const { logger, lines } = testLogger();
    logger.info({ password: 'hunter2' }, 'hello');
    expect(lines).toEqual([expect.objectContaining({ level: 'info', msg: 'hello', password: '***' })]);
  });

  test('the clock stands still until advanced', () => {
    const now = fakeClock('2026-01-01T00:00:00.000Z');
    now.advance(1_500);
    expect(now().toISOString()).toBe('2026-01-01T00:00:01.500Z');
  });
});

describe('the setup of a run', () => {
  test('leaves alone what it cannot tell to be of a run that has ended', () => {
    const place = mkdtempSync(join(tmpdir(), 'daybook-setup-'));
    const unreadable = join(place, 'daybook-test-postgres-other');
    // Another user's is not readable to us, unless we are root.
    mkdirSync(join(unreadable, 'owner.pid'), { recursive: true });
    const { DAYBOOK_TEST_DATABASE_URL: _ofThisRun, ...environment } = process.env;
    const setup = join(__dirname, '../jest/global-setup.cjs');
    execFileSync(process.execPath, ['-e', `require(${JSON.stringify(setup)})({ maxWorkers: 0 })`], {
      env: { ...environment, TMPDIR: place, DAYBOOK_TEST_KAFKA_RUN: 'none' },
    });
    expect(existsSync(unreadable)).toBe(true);
    rmSync(place, { recursive: true });
  });
});
