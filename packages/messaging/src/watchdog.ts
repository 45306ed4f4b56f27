/**
 * Ends the process when a consumer lags and nobody in its group shows a sign of life: a client that stopped without
 * saying so looks exactly like this. Retrying is a sign of life; a database, broker or event store that does not answer proves
 * nothing, and neither do a database that stores nothing, topics that are not as declared and messages that are gone. Also
 * where lag and parked messages are measured.
 */
import { isOperationalError } from '@daybook/core';
import type { EventStore } from '@daybook/event-store';
import type { Logger, OnFatal, Registry } from '@daybook/runtime';
import type { Pool } from 'pg';
import { consumerMetrics } from './consumer-metrics';
import type { ConsumerTables, Place, Progress } from './consumer-tables';
import type { Transport } from './transport';

export const stallMsDefault = 60_000;

type Deps = {
  readonly pool: Pool;
  readonly tables: ConsumerTables;
  readonly transport: Transport;
  readonly store?: Pick<EventStore, 'tail'>;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly onFatal: OnFatal;
  readonly stallMs: number;
};

export function createWatchdog(deps: Deps, place: Omit<Place, 'partition'>) {
  const { group, topic } = place;
  const seen = new Map<number, { readonly state: string; readonly since: number }>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;

  async function look(): Promise<void> {
    const ends = await deps.transport.ends(topic);
    const progress = await deps.tables.readProgress(deps.pool, place);
    const { lag, parked } = consumerMetrics(deps.metrics);
    lag.set({ group, topic }, total(ends, progress));
    parked.set({ group, topic }, await deps.tables.countParked(deps.pool, group, topic));
    // Only people can help: another process would wait for them as this one does.
    if (seen.size > 0 && !(await isUsable())) return seen.clear();
    // Not the wall clock, which may step.
    const now = performance.now();
    for (const [partition, end] of ends) {
      const { next, aliveAt } = progress.get(partition) ?? { next: 0n, aliveAt: '' };
      const state = `${next} ${aliveAt}`;
      const known = seen.get(partition);
      if (next >= end) seen.delete(partition);
      else if (known?.state !== state) seen.set(partition, { state, since: now });
      else if (now - known.since >= deps.stallMs) {
        seen.delete(partition);
        if ((await isExcused(deps, { ...place, partition }, next)) || timer === undefined) continue;
        stop();
        deps.onFatal(new Error(`${group} makes no progress in ${topic}/${partition} at ${next} of ${end}`));
        return;
      }
    }
  }

  async function isUsable(): Promise<boolean> {
    try {
      await deps.transport.verify?.();
      return true;
    } catch (error) {
      deps.logger.debug({ error, group, topic }, 'nothing can be consumed; lag proves nothing');
      return false;
    }
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
    seen.clear();
  }

  return {
    start() {
      timer = setInterval(() => {
        if (looking) return;
        looking = true;
        look()
          .catch((error: unknown) => {
            seen.clear();
            consumerMetrics(deps.metrics).lag.set({ group, topic }, NaN);
            deps.logger.debug({ error, group, topic }, 'lag cannot be measured');
          })
          .finally(() => (looking = false));
      }, deps.stallMs / 12);
      timer.unref();
    },
    stop,
  };
}

/** Whether another process would get on no better than one that stands still before `next`. */
async function isExcused(
  { transport, store, tables, pool, logger }: Deps,
  place: Place,
  next: bigint,
): Promise<boolean> {
  const first = (await transport.begins?.(place.topic))?.get(place.partition) ?? 0n;
  if (first > next) {
    // Nothing is delivered that would tell of it.
    logger.error({ ...place, next, first }, 'messages are missing; publish them again');
    return true;
  }
  try {
    await store?.tail();
    // No sign of life is missed where none can be left, as on a disk that is full.
    await tables.touchOffset(pool, place);
    return false;
  } catch (error) {
    // Whoever holds the place could store something there.
    if (isLockTimeout(error)) return false;
    logger.warn({ error, ...place }, 'nothing can be stored; lag proves nothing');
    return true;
  }
}

function isLockTimeout(error: unknown): boolean {
  const cause = isOperationalError(error) ? error.cause : error;
  return (cause as { code?: unknown } | undefined)?.code === '55P03';
}

function total(ends: ReadonlyMap<number, bigint>, progress: ReadonlyMap<number, Progress>): number {
  let lag = 0n;
  for (const [partition, end] of ends) {
    const next = progress.get(partition)?.next ?? 0n;
    if (end > next) lag += end - next;
  }
  return Number(lag);
}
