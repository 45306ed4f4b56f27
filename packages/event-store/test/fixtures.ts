import { testDatabase, type TestDatabase } from '@daybook/testing';
import type { Pool } from 'pg';
import { eventStoreMigrations, migrate } from '../src/migrate';

/** Fresh schemas in one database; `end` closes every pool that was handed out. */
export async function schemas(): Promise<{
  readonly database: TestDatabase;
  fresh(): Promise<{ schema: string; pool: Pool }>;
  end(): Promise<void>;
}> {
  const database = await testDatabase();
  let count = 0;
  return {
    database,
    async fresh() {
      const schema = `s${count++}`;
      const pool = database.pool(schema);
      await migrate(pool, schema, [eventStoreMigrations]);
      return { schema, pool };
    },
    end: () => database.drop(),
  };
}
