/** The Postgres that everything is measured on: an embedded one of its own, or the one that DATABASE_URL names. */
import { eventStoreMigrations, migrate, openDatabase } from '@daybook/event-store';
import { embeddedPostgres } from '@daybook/embedded';
import { join, resolve } from 'node:path';
import { Client, type Pool } from 'pg';

export type Server = {
  /** Creates an empty database and gives its URL. */
  createDatabase(name: string): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  checkpoint(): Promise<void>;
  stop(): Promise<void>;
};

/** Durability stays on. WAL files are kept for reuse, because creating them is many times slower than writing them. */
const settings = {
  shared_buffers: '2GB',
  max_wal_size: '12GB',
  min_wal_size: '4GB',
  checkpoint_timeout: '30min',
};
const walToFillBytes = 2_000_000_000;

export async function openServer(options: { readonly url: string | undefined }): Promise<Server> {
  const embedded =
    options.url === undefined ? embeddedPostgres({ directory: resolve('.daybook/bench'), settings }) : undefined;
  await embedded?.start();
  try {
    return await serverAt(options.url ?? embedded!.url, embedded);
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

async function serverAt(url: string, embedded: { stop(): Promise<void> } | undefined): Promise<Server> {
  const admin = new Client({ connectionString: url });
  await admin.connect();
  const server: Server = {
    async createDatabase(name) {
      await server.dropDatabase(name);
      await admin.query(`create database ${name} template template0`);
      return Object.assign(new URL(url), { pathname: `/${name}` }).href;
    },
    dropDatabase: async (name) => void (await admin.query(`drop database if exists ${name} with (force)`)),
    checkpoint: async () => void (await admin.query('checkpoint')),
    async stop() {
      await admin.end();
      await embedded?.stop();
    },
  };
  await fillWal(server);
  return server;
}

/** Writes the WAL once, so that the runs find files to reuse. */
async function fillWal(server: Server): Promise<void> {
  const name = 'daybook_bench_wal';
  const client = new Client({ connectionString: await server.createDatabase(name) });
  await client.connect();
  try {
    const { rows } = await client.query<{ bytes: string }>('select sum(size)::bigint as bytes from pg_ls_waldir()');
    const missing = walToFillBytes - Number(rows[0]!.bytes);
    if (missing <= 0) return;
    await client.query('create table filling (bytes bytea)');
    await client.query('alter table filling alter column bytes set storage external');
    const row = `decode(repeat(md5(n::text), 2000), 'hex')`;
    await client.query(`insert into filling select ${row} from generate_series(1, $1::integer) n`, [
      Math.ceil(missing / 32_000),
    ]);
  } finally {
    await client.end();
    await server.dropDatabase(name);
    await server.checkpoint();
  }
}

export type LedgerDatabase = { readonly pool: Pool; readonly url: string; close(): Promise<void> };

/** An empty ledger with its tables, as the service makes them. */
export async function openLedgerDatabase(server: Server, name: string): Promise<LedgerDatabase> {
  const url = await server.createDatabase(name);
  const pool = openDatabase({ url, schema: 'ledger', poolMax: 8, onError: () => undefined });
  await migrate(pool, 'ledger', [
    eventStoreMigrations,
    { name: 'ledger', directory: join(__dirname, '../../migrations') },
  ]);
  await server.checkpoint();
  return {
    pool,
    url,
    async close() {
      await pool.end();
      await server.dropDatabase(name);
    },
  };
}
