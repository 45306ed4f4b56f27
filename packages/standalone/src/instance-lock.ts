import { setTimeout as delay } from 'node:timers/promises';
import { assert } from '@daybook/core';
import { Client } from 'pg';
import { StartRefusal, type Component, type OnFatal } from '@daybook/runtime';

/** Any number; it stands for "the standalone of this database". */
const lockKey = 7_204_311_905;
const waitMs = 5_000;
const retryMs = 100;
const connectTimeoutMs = 10_000;
/** Nothing is ever sent on it: without this, a way that is cut goes unnoticed, here and by the server. */
const keepAliveAfterMs = 10_000;
const serverKeepAlive = { tcp_keepalives_idle: 10, tcp_keepalives_interval: 5, tcp_keepalives_count: 3 };

/**
 * Lets one standalone at a time run on a database. The lock belongs to a connection, so it ends with its process
 * however that ends; a start right after a crash waits a moment for the server to notice. A connection that breaks is
 * made anew, and the lock taken again, as soon as the database answers, be it from the session that the server still has of
 * the former connection; `onFatal` when another instance has it by then.
 */
export function instanceLock(databaseUrl: () => string, onFatal: OnFatal): Component {
  const stopping = new AbortController();
  const { signal } = stopping;
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  let keeping: Promise<void> | undefined;

  async function keep(first: Session): Promise<void> {
    for (let session: Session | undefined = first; session !== undefined; session = await takeAgain(session.backend)) {
      await Promise.race([session.ended, stopped]);
      await session.client.end();
    }
  }

  /** Undefined when it is not to be had any more. */
  async function takeAgain(former: Backend): Promise<Session | undefined> {
    while (!signal.aborted) {
      try {
        const session = await lockedSession(databaseUrl(), signal, former);
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

/** A session as the server has it; `began` in its own words, since process ids come again. */
type Backend = { readonly pid: number; readonly began: string };
type Session = { readonly client: Client; readonly backend: Backend; readonly ended: Promise<void> };

/**
 * A connection that has the lock, which `former` gives up. Undefined when another keeps it for longer than a crashed one could,
 * or on `signal`.
 */
async function lockedSession(url: string, signal: AbortSignal, former?: Backend): Promise<Session | undefined> {
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
    const backend = await backendOf(client);
    if (former !== undefined) await terminate(client, former);
    const deadline = performance.now() + waitMs;
    do {
      const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [lockKey]);
      if (rows[0]?.locked) return { client, backend, ended };
      await delay(retryMs);
    } while (performance.now() <= deadline && !signal.aborted);
  } catch (error) {
    await client.end();
    throw error;
  }
  await client.end();
  return undefined;
}

/** It is told to look whether this side is there, too: until it knows that it is not, nobody can start anew. */
async function backendOf(client: Client): Promise<Backend> {
  for (const [name, value] of Object.entries(serverKeepAlive))
    await client.query('select set_config($1, $2, false)', [name, `${value}`]);
  const { rows } = await client.query<Backend>(
    'select pid, backend_start::text as began from pg_stat_activity where pid = pg_backend_pid()',
  );
  assert(rows[0], 'a session is in pg_stat_activity');
  return rows[0];
}

async function terminate(client: Client, { pid, began }: Backend): Promise<void> {
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and backend_start::text = $2',
    [pid, began],
  );
}
