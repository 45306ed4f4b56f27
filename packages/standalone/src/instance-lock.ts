import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Component, OnFatal } from '@daybook/runtime';
import { StartRefusal } from './start-refusal';

/** Any number; it stands for "the standalone of this database". */
const lockKey = 7_204_311_905;
const waitMs = 5_000;
const retryMs = 100;
const connectTimeoutMs = 10_000;
/** Nothing is ever sent on it: without this, a way that is cut goes unnoticed. */
const keepAliveAfterMs = 10_000;

/**
 * Lets one standalone at a time run on a database. The lock belongs to a connection, so it ends with its process
 * however that ends; a start right after a crash waits a moment for the server to notice. A connection that breaks is
 * made anew, and the lock taken again, as soon as the database answers; `onFatal` when another instance has it by then.
 */
export function instanceLock(databaseUrl: () => string, onFatal: OnFatal): Component {
  const stopping = new AbortController();
  const { signal } = stopping;
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  let keeping: Promise<void> | undefined;

  async function keep(first: Session): Promise<void> {
    for (let session: Session | undefined = first; session !== undefined; session = await takeAgain()) {
      await Promise.race([session.ended, stopped]);
      await session.client.end();
    }
  }

  /** Undefined when it is not to be had any more. */
  async function takeAgain(): Promise<Session | undefined> {
    while (!signal.aborted) {
      try {
        const session = await lockedSession(databaseUrl(), signal);
        if (session === undefined && !signal.aborted)
          onFatal(new Error('another Daybook took the lock of this database when the connection to it was lost'));
        return session;
      } catch {
        // The services tell what keeps the database away.
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  return {
    name: 'instance lock',
    async start() {
      const session = await lockedSession(databaseUrl(), signal);
      if (session === undefined)
        throw new StartRefusal('another Daybook runs on this DAYBOOK_HOME or DATABASE_URL; stop it first');
      keeping = keep(session);
    },
    async stop() {
      stopping.abort();
      await keeping;
    },
  };
}

type Session = { readonly client: Client; readonly ended: Promise<void> };

/** A connection that has the lock. Undefined when another keeps it for longer than a crashed one could, or on `signal`. */
async function lockedSession(url: string, signal: AbortSignal): Promise<Session | undefined> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveAfterMs,
  });
  // The end of the connection follows.
  client.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => client.once('end', resolve));
  try {
    await client.connect();
    const deadline = performance.now() + waitMs;
    do {
      const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [lockKey]);
      if (rows[0]?.locked) return { client, ended };
      await delay(retryMs);
    } while (performance.now() <= deadline && !signal.aborted);
  } catch (error) {
    await client.end();
    throw error;
  }
  await client.end();
  return undefined;
}
