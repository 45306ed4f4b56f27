/**
 * Forward-only migrations: `NNNN_<verb>_<noun>.sql` files of one or more sources, applied once each, in order, each in
 * its own transaction. A file that was applied may never change.
 */
import { sha256Hex, type Logger } from '@daybook/runtime';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { waitForAnswers, withConnection } from './database';
import { asOperational } from './operational';

export type MigrationSource = { readonly name: string; readonly directory: string };

export const eventStoreMigrations: MigrationSource = {
  name: 'event-store',
  directory: join(__dirname, '../migrations'),
};

export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/**
 * Whoever asks for a table after a migration that waits for it waits too, and what the migration has written by then holds
 * back every reader of the log: it gives way to them for longer than it tries.
 */
const lockTimeoutMs = 1_000;
const lockPauseMs = 5_000;
/** Of as many tries one is told: about one a minute. */
const triesPerWarning = 10;

/**
 * Creates the schema when absent and brings it up to date. Others that migrate the same schema wait their turn. A file whose
 * tables somebody holds is tried until they are free, of which the logger is told.
 */
export async function migrate(
  pool: Pool,
  schema: string,
  sources: readonly MigrationSource[],
  logger?: Logger,
): Promise<void> {
  const files = (await Promise.all(sources.map(filesOf))).flat();
  await withConnection(pool, async (client) => {
    const lock = `daybook migrate ${schema}`;
    // Waiting for another migration, or a long migration itself, is not a runaway statement.
    await client.query(`set statement_timeout = 0; set lock_timeout = 0`);
    waitForAnswers(client);
    await client.query(`select pg_advisory_lock(hashtextextended($1, 0))`, [lock]);
    try {
      await prepareSchema(client, schema);
      for (const file of files) await applyWhenFree(client, schema, file, logger);
    } finally {
      // When the connection is lost these fail, and the server has released the lock by then.
      await client.query(`select pg_advisory_unlock(hashtextextended($1, 0))`, [lock]).catch(() => undefined);
      await client.query(`reset statement_timeout; reset lock_timeout`).catch(() => undefined);
    }
  });
}

type MigrationFile = { readonly source: string; readonly name: string; readonly sql: string; readonly sha256: string };

async function filesOf(source: MigrationSource): Promise<MigrationFile[]> {
  const names = (await readdir(source.directory)).filter((name) => name.endsWith('.sql')).sort();
  const badName = names.find((name) => !/^\d{4}_[a-z0-9_]+\.sql$/.test(name));
  if (badName !== undefined) throw new MigrationError(`${source.name}: ${badName} is not named NNNN_<verb>_<noun>.sql`);
  const numbers = names.map((name) => name.slice(0, 4));
  const repeated = numbers.find((number, index) => numbers.indexOf(number) !== index);
  if (repeated !== undefined) throw new MigrationError(`${source.name}: two migrations are numbered ${repeated}`);
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(source.directory, name), 'utf8');
      return { source: source.name, name, sql, sha256: sha256Hex(sql) };
    }),
  );
}

async function prepareSchema(client: PoolClient, schema: string): Promise<void> {
  const quoted = client.escapeIdentifier(schema);
  // Asked first, because `create schema if not exists` needs a privilege even when there is nothing to do.
  const found = await client.query(`select 1 from pg_namespace where nspname = $1`, [schema]);
  if (found.rowCount === 0) await client.query(`create schema ${quoted}`);
  await client.query(
    `create table if not exists ${quoted}.schema_migrations (
       source text not null,
       name text not null,
       sha256 text not null,
       applied_at timestamptz not null default clock_timestamp(),
       primary key (source, name)
     )`,
  );
}

async function applyWhenFree(
  client: PoolClient,
  schema: string,
  file: MigrationFile,
  logger: Logger | undefined,
): Promise<void> {
  for (let tries = 0; !(await applyOnce(client, schema, file)); tries++) {
    if (tries % triesPerWarning === 0)
      logger?.warn(
        { migration: `${file.source}/${file.name}` },
        'the migration waits for a lock on a table that somebody else holds, and will be tried again',
      );
    await delay(lockPauseMs);
  }
}

/** False, and nothing of the file is there, where somebody holds a table that it is to change. */
async function applyOnce(client: PoolClient, schema: string, file: MigrationFile): Promise<boolean> {
  const table = `${client.escapeIdentifier(schema)}.schema_migrations`;
  const { rows } = await client.query<{ sha256: string }>(
    `select sha256 from ${table} where source = $1 and name = $2`,
    [file.source, file.name],
  );
  const applied = rows[0];
  if (applied?.sha256 === file.sha256) return true;
  if (applied) throw new MigrationError(`${file.source}/${file.name} was edited after it had been applied`);
  await client.query('begin');
  try {
    await client.query(`set local search_path to ${client.escapeIdentifier(schema)}`);
    await client.query(`set local lock_timeout = '${lockTimeoutMs}ms'`);
    await client.query(file.sql);
    await client.query(`insert into ${table} (source, name, sha256) values ($1, $2, $3)`, [
      file.source,
      file.name,
      file.sha256,
    ]);
    await client.query('commit');
    return true;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    if ((error as { code?: string }).code === lockNotAvailable) return false;
    const reason = asOperational(error);
    if (reason !== error) throw reason;
    throw new MigrationError(`${file.source}/${file.name} failed`, { cause: error });
  }
}

/** What Postgres says of a lock that it did not get in time. */
const lockNotAvailable = '55P03';
