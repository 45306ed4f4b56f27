import { eventually, testDatabase, testLogger, type TestDatabase } from '@daybook/testing';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { eventStoreMigrations, migrate, MigrationError, type MigrationSource } from '../src/migrate';

let database: TestDatabase;
let directory: string;
let source: MigrationSource;
beforeEach(async () => {
  database = await testDatabase();
  directory = await mkdtemp(join(tmpdir(), 'daybook-migrations-'));
  source = { name: 'things', directory };
});
afterEach(async () => {
  await database.drop();
  await rm(directory, { recursive: true });
});

const file = (name: string, sql: string) => writeFile(join(directory, name), sql);

describe('migrate', () => {
  test('seven services that migrate one database at the same time, three instances each, all succeed once', async () => {
    await file('0001_create_things.sql', 'create table things (id int); select pg_sleep(0.02);');
    const names = ['identity', 'intents', 'chain_watcher', 'ledger', 'settlement', 'notifications', 'gateway'];
    const instances = names.flatMap((schema) => [schema, schema, schema]);
    await Promise.all(
      instances.map((schema) => migrate(database.pool(schema), schema, [eventStoreMigrations, source])),
    );
    for (const schema of names) {
      const { rows } = await database
        .pool(schema)
        .query(`select source, name from schema_migrations where source = 'things' order by name`);
      expect(rows).toEqual([{ source: 'things', name: '0001_create_things.sql' }]);
    }
  });

  test('applies only what is missing, in the order of the numbers', async () => {
    const pool = database.pool('s');
    await file('0001_create_things.sql', 'create table things (id int);');
    await migrate(pool, 's', [source]);
    await file('0002_add_name.sql', 'alter table things add name text;');
    await file('0003_rename_name.sql', 'alter table things rename name to title;');
    await migrate(pool, 's', [source]);
    await migrate(pool, 's', [source]);
    await expect(pool.query(`select id, title from things`)).resolves.toMatchObject({ rowCount: 0 });
  });

  test('refuses a migration that was edited after it had been applied, and names it', async () => {
    const pool = database.pool('s');
    await file('0001_create_things.sql', 'create table things (id int);');
    await migrate(pool, 's', [source]);
    await file('0001_create_things.sql', 'create table things (id bigint);');
    const answer = await migrate(pool, 's', [source]).catch((error: unknown) => error);
    expect(answer).toBeInstanceOf(MigrationError);
    expect(answer).toMatchObject({ message: 'things/0001_create_things.sql was edited after it had been applied' });
  });

  test('a migration that fails leaves nothing of itself behind and can be corrected', async () => {
    const pool = database.pool('s');
    await file('0001_create_things.sql', 'create table things (id int); create table things (id int);');
    await expect(migrate(pool, 's', [source])).rejects.toMatchObject({
      name: 'MigrationError',
      cause: { code: '42P07' },
    });
    await file('0001_create_things.sql', 'create table things (id int);');
    await migrate(pool, 's', [source]);
  });

  test.each(['1_create.sql', '0001-create.sql'])('refuses the file name %s', async (name) => {
    await file(name, 'select 1');
    await expect(migrate(database.pool('s'), 's', [source])).rejects.toMatchObject({ name: 'MigrationError' });
  });

  test('refuses two migrations of one number', async () => {
    await file('0001_create_things.sql', 'select 1');
    await file('0001_create_others.sql', 'select 1');
    await expect(migrate(database.pool('s'), 's', [source])).rejects.toMatchObject({ name: 'MigrationError' });
  });

  test('waits longer than the statement timeout of the pool for another that migrates, and leaves it as it was', async () => {
    await file('0001_create_things.sql', 'create table things (id int); select pg_sleep(0.4);');
    const options = '-c search_path=s -c statement_timeout=100 -c lock_timeout=90';
    const pools = [1, 2].map(() => new Pool({ connectionString: database.url, options, max: 1 }));
    await Promise.all(pools.map((pool) => migrate(pool, 's', [source])));
    for (const pool of pools) {
      await expect(pool.query('show statement_timeout')).resolves.toMatchObject({
        rows: [{ statement_timeout: '100ms' }],
      });
      await expect(pool.query('show lock_timeout')).resolves.toMatchObject({ rows: [{ lock_timeout: '90ms' }] });
      await pool.end();
    }
  });

  test('a migration of a table that somebody holds lets others at it between its tries, and is applied once that ends', async () => {
    const { logger, lines } = testLogger();
    const pool = database.pool('s');
    await file('0001_create_things.sql', 'create table things (id int);');
    await migrate(pool, 's', [source]);
    await file('0002_add_name.sql', 'insert into things values (1); alter table things add name text;');
    const holder = await pool.connect();
    try {
      await holder.query('begin; lock table things in access share mode');
      const migrated = migrate(database.pool('s'), 's', [source], logger);
      await eventually(
        async () =>
          expect(
            (await pool.query(`select from pg_locks where not granted and relation = 'things'::regclass`)).rowCount,
          ).toBe(1),
        { timeoutMs: 10_000 },
      );
      await pool.query(`set lock_timeout = '10s'; select from things`);
      await eventually(() => expect(lines).toMatchObject([{ level: 'warn', migration: 'things/0002_add_name.sql' }]), {
        timeoutMs: 10_000,
      });
      await holder.query('commit');
      await migrated;
    } finally {
      // Still open where something failed.
      holder.release(true);
    }
    await expect(pool.query(`select id, name from things`)).resolves.toMatchObject({ rows: [{ id: 1, name: null }] });
    await expect(pool.query(`select from schema_migrations`)).resolves.toMatchObject({ rowCount: 2 });
  });
});
