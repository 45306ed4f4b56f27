import { eventStoreMigrations, migrate, postgresCheckpoints } from '@daybook/event-store';
import { messagingMigrations, postgresConsumerTables } from '@daybook/messaging';
import { testDatabase, type TestDatabase } from '@daybook/testing';
import { describeCheckpoints } from '../../event-store/test/checkpoints.contract';
import { describeConsumerTables } from './consumer-tables.contract';

let database: TestDatabase | undefined;

async function open() {
  database ??= await testDatabase();
  const pool = database.pool('tables');
  await migrate(pool, 'tables', [eventStoreMigrations, messagingMigrations]);
  return pool;
}

afterAll(() => database?.drop());

describeConsumerTables('Postgres', async () => ({ pool: await open(), tables: postgresConsumerTables }));
describeCheckpoints('Postgres', async () => ({ pool: await open(), checkpoints: postgresCheckpoints }));
