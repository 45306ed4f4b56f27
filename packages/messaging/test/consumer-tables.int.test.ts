import { eventStoreMigrations, migrate, postgresCheckpoints } from '@daybook/event-store';
import { messagingMigrations, postgresConsumerTables } from '@daybook/messaging';
import { testDatabase, type TestDatabase } from '@daybook/testing';
import { describeCheckpoints } from '../../event-store/test/checkpoints.contract';
import type { Pool } from 'pg';
import { describeConsumerTables } from './consumer-tables.contract';
import { servicePool } from './harness';

let database: TestDatabase | undefined;
let pool: Pool | undefined;

async function open() {
  database ??= await testDatabase();
  const pool = database.pool('tables');
  await migrate(pool, 'tables', [eventStoreMigrations, messagingMigrations]);
  return pool;
}

afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

describeConsumerTables('Postgres', async () => ({ pool: await open(), tables: postgresConsumerTables }));
describeConsumerTables('Postgres, several statements at a time,', async () => {
  await open();
  pool = servicePool(database!, 'tables');
  return { pool, tables: postgresConsumerTables };
});
describeCheckpoints('Postgres', async () => ({ pool: await open(), checkpoints: postgresCheckpoints }));
