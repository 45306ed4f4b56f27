import { randomBytes } from 'node:crypto';
import { Client, Pool } from 'pg';

export type TestDatabase = {
  readonly url: string;
  /** Connections to one schema of it, as `openDatabase` makes them. Ended by `drop`. */
  pool(schema: string): Pool;
  /** As it is now, in a database of its own: a backup. Whatever is connected to it is cut off. */
  copy(): Promise<TestDatabase>;
  /** Removes the database, also while something is still connected to it. */
  drop(): Promise<void>;
};

const poolMax = 8;

/** A new empty database on this worker's server. */
export function testDatabase(): Promise<TestDatabase> {
  return createFrom('template0');
}

async function createFrom(template: string): Promise<TestDatabase> {
  const server = serverOfWorker();
  const name = `test_${randomBytes(6).toString('hex')}`;
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  await onServer(server, `create database ${name} template ${template}`);
  const pools: Pool[] = [];
  return {
    url,
    pool(schema) {
      const options = `-c search_path=${schema} -c statement_timeout=30000 -c timezone=UTC`;
      const pool = new Pool({ connectionString: url, max: poolMax, options, application_name: `test ${schema}` });
      // A forced drop ends idle connections; that is not an error of the test.
      pool.on('error', () => undefined);
      pools.push(pool);
      return pool;
    },
    async copy() {
      await onServer(
        server,
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`,
      );
      return createFrom(name);
    },
    async drop() {
      await onServer(server, `drop database if exists ${name} with (force)`);
      await Promise.all(pools.splice(0).map((pool) => pool.end()));
    },
  };
}

/** Given servers may be fewer than workers; the workers then share them. */
function serverOfWorker(): string {
  const servers = (process.env['DAYBOOK_TEST_DATABASE_URL'] ?? '').split(' ').filter((url) => url !== '');
  const server = servers[(Number(process.env['JEST_WORKER_ID'] ?? 1) - 1) % servers.length];
  if (server === undefined) {
    throw new Error('DAYBOOK_TEST_DATABASE_URL is not set: name the test *.int.test.ts or *.e2e.test.ts.');
  }
  return server;
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
