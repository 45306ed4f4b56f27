/** Locks of the database that belong to a session, for what takes longer than any transaction should. One name a schema. */
import { OperationalError } from '@daybook/core';
import type { Pool, PoolClient } from 'pg';
import { withConnection } from './database';

type SessionLock = {
  readonly name: string;
  /** With others that share it. */
  readonly shared?: boolean;
};

/** SQL for the key of the lock that the first parameter names. */
export const lockKey = `hashtextextended($1 || ' ' || current_schema(), 0)`;

/**
 * Runs `work` with the lock; undefined when somebody else has it. One that is shared is waited for. When the connection
 * breaks, somebody else may have it at once: `lost` is aborted, and what fails then fails with OperationalError.
 */
export async function withSessionLock<T>(
  pool: Pool,
  { name, shared = false }: SessionLock,
  work: (lost: AbortSignal) => Promise<T>,
): Promise<{ readonly done: T } | undefined> {
  return withConnection(pool, async (client, discard) => {
    const lost = new AbortController();
    const onError = (cause: Error) => {
      lost.abort(new OperationalError('store_unavailable', true, { cause, detail: `the lock of ${name} is lost` }));
    };
    client.on('error', onError);
    try {
      if (!(await locks(client, name, shared))) return undefined;
      return { done: await work(lost.signal) };
    } catch (error) {
      lost.signal.throwIfAborted();
      throw error;
    } finally {
      // The end of the session gives the lock back too, so a connection that cannot unlock is not used again.
      await client.query(`select pg_advisory_unlock_all()`).catch(discard);
      client.off('error', onError);
    }
  });
}

async function locks(client: PoolClient, name: string, shared: boolean): Promise<boolean> {
  if (shared) {
    await client.query(`select pg_advisory_lock_shared(${lockKey})`, [name]);
    return true;
  }
  const { rows } = await client.query<{ locked: boolean }>(`select pg_try_advisory_lock(${lockKey}) as locked`, [name]);
  return rows[0]?.locked === true;
}
