/**
 * Hears of appends by other processes, through LISTEN on a connection of its own. A hint only: notifications sent while
 * it reconnects are lost, so it wakes its readers whenever it has connected.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type Pool } from 'pg';

/** The channel of the schema, at most as long as an identifier may be. Evaluated by the server. */
export const appendChannelSql = `left('events_' || current_schema(), 63)`;

const reconnectMinMs = 100;
const reconnectMaxMs = 5_000;

export function listenForAppends(pool: Pool, wake: () => void): { stop(): Promise<void> } {
  const stopping = new AbortController();

  async function run(): Promise<void> {
    let waitMs = reconnectMinMs;
    while (!stopping.signal.aborted) {
      const listened = await listenOnce(pool, wake, stopping.signal);
      waitMs = listened ? reconnectMinMs : Math.min(waitMs * 2, reconnectMaxMs);
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Returns when the connection has ended; true if it had been listening. */
async function listenOnce(pool: Pool, wake: () => void, signal: AbortSignal): Promise<boolean> {
  const client = new Client(pool.options);
  const ended = new Promise<void>((resolve) => {
    client.once('end', resolve);
    client.on('error', () => resolve());
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  client.on('notification', wake);
  try {
    await client.connect();
    const { rows } = await client.query<{ channel: string }>(`select ${appendChannelSql} as channel`);
    await client.query(`listen ${client.escapeIdentifier(rows[0]!.channel)}`);
    wake();
    await ended;
    return true;
  } catch {
    // The readers poll meanwhile, and whatever keeps this connection away is reported by theirs.
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
