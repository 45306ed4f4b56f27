/**
 * Does what falls due: ends intents whose time is over, asks providers and banks. The deadlines are rows, so they survive
 * a restart: the first pass after a start finds all that fell due meanwhile. One pass at a time; the next begins at the
 * next deadline, at the latest a second later. At least one attempt per deadline, one effect, because what is due rules
 * itself.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { isOperationalError } from '@daybook/core';
import type { Clock } from './clock';
import type { Component, OnFatal } from './lifecycle';
import type { Logger } from './logger';

const pauseMsMax = 1_000;
/** A deadline that is a moment away is not worth another pass of its own for every intent. */
const pauseMsMin = 20;

/** Does what is due and answers with the next deadline. */
export type Pass = () => Promise<Date | null>;

type WorkerDeps = { readonly now: Clock; readonly logger: Logger; readonly onFatal: OnFatal };

export function dueWorker(deps: WorkerDeps & { readonly name: string; readonly pass: Pass }): Component {
  let stopping: AbortController | undefined;
  let running: Promise<void> | undefined;

  async function pass(): Promise<number> {
    try {
      const next = await deps.pass();
      if (next === null) return pauseMsMax;
      return Math.min(pauseMsMax, Math.max(pauseMsMin, next.getTime() - deps.now().getTime()));
    } catch (error) {
      if (!isOperationalError(error)) throw error;
      deps.logger.warn({ error, worker: deps.name }, 'waits: something that it needs does not answer');
      return pauseMsMax;
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pauseMs = await pass();
      await wait(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  return {
    name: deps.name,
    async start() {
      stopping = new AbortController();
      running = run(stopping.signal).catch(deps.onFatal);
    },
    async stop() {
      stopping?.abort();
      await running;
    },
  };
}

/**
 * A worker for each pass, none of which holds up another. They are told to stop all at once, so that a stop takes as long as
 * the longest pass that is under way, and not as all of them.
 */
export function dueWorkers(
  passes: readonly { readonly name: string; readonly pass: Pass }[],
  deps: WorkerDeps,
): Component {
  const workers = passes.map((each) => dueWorker({ ...deps, ...each }));
  return {
    name: 'what falls due',
    async start() {
      for (const worker of workers) await worker.start();
    },
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}

/**
 * A pass that looks at some of what is due, at all of it at once, and ends: what is left is due at once, and between two
 * passes a worker can stop. Whoever is looked at waits for the slowest of the pass. A look that fails ends the pass when the
 * others have ended: nothing goes on that nobody waits for.
 */
export function duePass<Due>(deps: {
  /** As many as may be looked at at once. */
  readonly due: () => Promise<readonly Due[]>;
  readonly look: (due: Due) => Promise<void>;
  readonly next: Pass;
}): Pass {
  return async () => {
    const looks = await Promise.allSettled((await deps.due()).map(deps.look));
    for (const look of looks) if (look.status === 'rejected') throw look.reason;
    return deps.next();
  };
}
