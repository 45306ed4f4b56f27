import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { eventStoreMigrations, migrate } from '@daybook/event-store';
import { messagingMigrations } from '@daybook/messaging';
import { testDatabase, type TestDatabase } from '@daybook/testing';

/** As operators start it; `npx tsc -b` has built it. */
const program = join(__dirname, '../dist/republish-main.js');

describe('a republication', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
    await migrate(database.pool('intents'), 'intents', [eventStoreMigrations, messagingMigrations]);
  });
  afterAll(() => database.drop());

  const run = (services: readonly string[], DATABASE_URL = database.url) => {
    const env = { PATH: process.env.PATH, DATABASE_URL, LOG_LEVEL: 'error' } as never;
    const { status, stderr } = spawnSync(process.execPath, [program, ...services], { env, encoding: 'utf8' });
    return { status, stderr };
  };

  test('of several services begins when all of them are there', async () => {
    const pool = database.pool('intents');
    await pool.query(`insert into subscriptions (name, version, position) values ('relay intents', '', '12:7')`);
    const place = async () => (await pool.query('select position from subscriptions')).rows;
    expect(run(['intents', 'chain-watchr'])).toMatchObject({ status: 1 });
    expect(await place()).toEqual([{ position: '12:7' }]);
    expect(run(['intents'])).toEqual({ status: 0, stderr: '' });
    expect(await place()).toEqual([{ position: 'start' }]);
  });

  test.each([
    ['a name that is wrong', ['intents', 'chain-watchr'], 'no service has its tables in the schema chain_watchr\n'],
    ['no name', [], 'no service is named; usage: republish-main.js <service>…\n'],
  ])('says %s in one line', (_what, services, said) => {
    expect(run(services)).toEqual({ status: 1, stderr: said });
  });

  test('says that the database is away, or lets nobody in by that name, in one line', () => {
    const away = /^the database of DATABASE_URL cannot be used: connect ECONNREFUSED 127\.0\.0\.1:9\n$/;
    expect(run(['intents'], 'postgres://daybook:secret@127.0.0.1:9/daybook').stderr).toMatch(away);
    const url = new URL(database.url);
    url.pathname = '/elsewhere';
    const unknown = 'the database of DATABASE_URL cannot be used: database "elsewhere" does not exist\n';
    expect(run(['intents'], url.href)).toEqual({ status: 1, stderr: unknown });
  });
});
