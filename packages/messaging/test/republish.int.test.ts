import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { eventStoreMigrations, migrate } from '@daybook/event-store';
import { messagingMigrations, republish } from '@daybook/messaging';
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

  test('of a service that is not there is refused by its name', async () => {
    expect(await republish(database.pool('intents'))).toEqual([]);
    await expect(republish(database.pool('intentz'))).rejects.toThrow(
      'no service has its tables in the schema intentz',
    );
  });

  test.each([
    ['a name that is wrong', ['intents', 'chain-watchr'], 'no service has its tables in the schema chain_watchr\n'],
    ['no name', [], 'no service is named; usage: republish-main.js <service>…\n'],
  ])('says %s in one line', (_what, services, said) => {
    const env = { PATH: process.env.PATH, DATABASE_URL: database.url, LOG_LEVEL: 'error' } as never;
    const { status, stderr } = spawnSync(process.execPath, [program, ...services], { env, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 1, stderr: said });
  });
});
