/**
 * Forward-only migrations: `NNNN_<verb>_<noun>.sql` files of one or more sources, applied once each, in order, each in
 * its own transaction. A file that was applied may never change.
 */
import { sha256Hex } from '@daybook/runtime';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
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

/** Creates the schema when absent and brings it up to date. Others that migrate the same schema wait their turn. */
export async function migrate(pool: Pool, schema: string, sources: readonly MigrationSource[]): Promise<void> {
  const files = (await Promise.all(sources.map(filesOf))).flat();
  await withConnection(pool, async (client) => {
    const lock = `daybook migrate ${schema}`;
    // Waiting for another migration, or a long migration itself, is not a runaway statement.
    await client.query(`set statement_timeout = 0; set lock_timeout = 0`);
    waitForAnswers(client);
    await client.query(`select pg_advisory_lock(hashtextextended($1, 0))`, [lock]);
    try {
      await prepareSchema(client, schema);
      for (const file of files) await applyOnce(client, schema, file);
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

async function applyOnce(client: PoolClient, schema: string, file: MigrationFile): Promise<void> {
  const table = `${client.escapeIdentifier(schema)}.schema_migrations`;
  const { rows } = await client.query<{ sha256: string }>(
    `select sha256 from ${table} where source = $1 and name = $2`,
    [file.source, file.name],
  );
  const applied = rows[0];
  if (applied?.sha256 === file.sha256) return;
  if (applied) throw new MigrationError(`${file.source}/${file.name} was edited after it had been applied`);
  await client.query('begin');
  try {
    await client.query(`set local search_path to ${client.escapeIdentifier(schema)}`);
    await client.query(file.sql);
    await client.query(`insert into ${table} (source, name, sha256) values ($1, $2, $3)`, [
      file.source,
      file.name,
      file.sha256,
    ]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    const reason = asOperational(error);
    if (reason !== error) throw reason;
    throw new MigrationError(`${file.source}/${file.name} failed`, { cause: error });
  }
}
