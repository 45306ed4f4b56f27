/**
 * Ends the process when a consumer lags and nobody in its group shows a sign of life: a client that stopped without
 * saying so looks exactly like this. Retrying is a sign of life; a database or broker that cannot be asked proves
 * nothing, and neither do topics that are not as declared. Also where lag and parked messages are measured.
 */
import type { Logger, OnFatal, Registry } from '@daybook/runtime';
import type { Pool } from 'pg';
import { consumerMetrics } from './consumer-metrics';
import type { ConsumerTables, Progress } from './consumer-tables';
import type { Transport } from './transport';

export const stallMsDefault = 60_000;

type Deps = {
  readonly pool: Pool;
  readonly tables: ConsumerTables;
  readonly transport: Transport;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly onFatal: OnFatal;
  readonly stallMs: number;
};

export function createWatchdog(deps: Deps, place: { readonly group: string; readonly topic: string }) {
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
      else if (now - known.since >= deps.stallMs && timer !== undefined) {
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

function total(ends: ReadonlyMap<number, bigint>, progress: ReadonlyMap<number, Progress>): number {
  let lag = 0n;
  for (const [partition, end] of ends) {
    const next = progress.get(partition)?.next ?? 0n;
    if (end > next) lag += end - next;
  }
  return Number(lag);
}
