import { Pool, type PoolClient } from 'pg';

/** A connection inside a transaction. Only `inTransaction` can make one. */
export type Tx = PoolClient & { readonly __tx: unique symbol };

/** A statement and its values. */
export type Sql = { readonly text: string; readonly values: readonly unknown[] };

/** No statement or forgotten transaction may hold back the readers of the log for longer. */
const statementTimeoutMs = 30_000;
const idleInTransactionTimeoutMs = 30_000;

/** Connections to a service's own schema. int8 and numeric arrive as text; callers turn them into bigint. */
export function openDatabase(options: {
  readonly url: string;
  readonly schema: string;
  readonly poolMax: number;
  onError(error: Error): void;
}): Pool {
  const pool = new Pool({
    connectionString: options.url,
    max: options.poolMax,
    application_name: `daybook ${options.schema}`,
    options: `-c search_path=${options.schema} -c statement_timeout=${statementTimeoutMs} -c idle_in_transaction_session_timeout=${idleInTransactionTimeoutMs} -c timezone=UTC`,
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', options.onError);
  return pool;
}

/** Commits when `work` returns, rolls back when it throws. */
export async function inTransaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client as Tx);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: Error) => (broken = rollbackError));
    throw error;
  } finally {
    client.release(broken);
  }
}
