/**
 * Looks at a relay's place once a second: how old the first event is that it has not published, and whether somebody has
 * sent it back to the start, which it would not notice by itself until the next event.
 */
import type { EventStore, Position, Subscription } from '@daybook/event-store';
import type { Logger, Registry } from '@daybook/runtime';
import type { Pool } from 'pg';
import { relayMetrics } from './consumer-metrics';
import { inTurn } from './in-turn';
import { subscriptionName } from './subscription-name';

const lookMs = 1_000;

type Deps = {
  readonly pool: Pool;
  readonly store: EventStore;
  readonly logger: Logger;
  readonly metrics: Registry;
};

export function watchRelay(deps: Deps, relay: string, subscription: Subscription): Subscription {
  const { lag } = relayMetrics(deps.metrics);
  const turn = inTurn();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let seen = 0n;
  let ended = false;

  async function look(): Promise<void> {
    const { position, count } = await placeOf(deps.pool, subscriptionName(relay));
    const sentBack = count < seen;
    seen = count;
    if (sentBack || ended) await turn(restart);
    const [next] = await deps.store.readAll(position, 1);
    lag.set({ relay }, next === undefined ? 0 : Math.max(0, Date.now() - next.recordedAt.getTime()) / 1_000);
  }

  async function restart(): Promise<void> {
    if (timer === undefined) return;
    deps.logger.info({ relay }, 'publishing from the start of the log');
    await subscription.stop();
    // Until it runs again, each look tries.
    ended = true;
    await subscription.start();
    ended = false;
  }

  return {
    name: subscription.name,
    caughtUp: () => subscription.caughtUp(),
    async start() {
      await subscription.start();
      timer = setInterval(() => {
        if (looking) return;
        looking = true;
        look()
          .catch((error: unknown) => {
            lag.set({ relay }, NaN);
            deps.logger.debug({ error, relay }, 'the relay cannot be looked at');
          })
          .finally(() => (looking = false));
      }, lookMs);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await turn(() => subscription.stop());
    },
  };
}

async function placeOf(pool: Pool, name: string): Promise<{ readonly position: Position; readonly count: bigint }> {
  const { rows } = await pool.query<{ position: string; count: string }>(
    `select position, applied_count as count from subscriptions where name = $1`,
    [name],
  );
  const row = rows[0];
  if (!row) throw new Error(`${name} has lost its row`);
  return { position: row.position as Position, count: BigInt(row.count) };
}
