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

/** `handled` counts the events that this process has published since it began. */
export function watchRelay(
  deps: Deps,
  { name: relay, handled }: { readonly name: string; handled(): bigint },
  subscription: Subscription,
): Subscription {
  const { lag } = relayMetrics(deps.metrics);
  const turn = inTurn();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  /** What the place counts at least, unless it was sent back. Suspected once, as a batch is counted before its commit. */
  let base = 0n;
  let suspected: bigint | undefined;
  let ended = false;

  async function look(): Promise<void> {
    const least = base + handled();
    const place = await placeOf(deps.pool, subscriptionName(relay));
    if (!place) throw new Error(`${subscriptionName(relay)} has lost its row`);
    const { position, count } = place;
    const sentBack = count < least && suspected === least;
    suspected = count < least ? least : undefined;
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
    await start();
    ended = false;
  }

  async function start(): Promise<void> {
    const place = await placeOf(deps.pool, subscriptionName(relay));
    base = (place?.count ?? 0n) - handled();
    suspected = undefined;
    await subscription.start();
  }

  return {
    name: subscription.name,
    caughtUp: () => subscription.caughtUp(),
    async start() {
      await start();
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

type Place = { readonly position: Position; readonly count: bigint };

async function placeOf(pool: Pool, name: string): Promise<Place | undefined> {
  const { rows } = await pool.query<{ position: string; count: string }>(
    `select position, applied_count as count from subscriptions where name = $1`,
    [name],
  );
  return rows[0] && { position: rows[0].position as Position, count: BigInt(rows[0].count) };
}
