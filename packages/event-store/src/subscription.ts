/**
 * A reader of the whole log with a stored place. Per batch: read, claim, effects, checkpoint and running proof, one
 * commit; a crash anywhere repeats the batch or nothing. Any number of runners of one name may run: an advisory lock
 * lets one work at a time, and the compare-and-set of the checkpoint makes a second harmless.
 */
import { AssertionError, isOperationalError, OperationalError } from '@daybook/core';
import { createAlarm, type Alarm, type Component, type Logger, type OnFatal } from '@daybook/runtime';
import { batchSizeDefault, createBatches, openBatches, Retired, type BatchOptions } from './batches';
import type { Checkpoint } from './checkpoint';
import type { Position } from './event-store';
import { asOperational } from './operational';

export type SubscriptionOptions = BatchOptions & {
  readonly logger: Logger;
  readonly onFatal: OnFatal;
  /** Whether a failure of a batch passes although it is none of the world: the batch is tried again until it does. */
  passes?(error: unknown): boolean;
};

export type Subscription = Component & {
  /**
   * Resolves when everything appended before the call is applied. Rejects with OperationalError `store_unavailable`
   * when the runner stops first or takes too long.
   */
  caughtUp(): Promise<void>;
};

const pollMaxMs = 250;
/** After a wake the event may be hidden behind an older open transaction for a moment, so look again soon. */
const pollMinMs = 4;
/** While someone waits for `caughtUp`. */
const pollAwaitedMaxMs = 16;
const gatherMaxMs = 20;
const retryMinMs = 50;
const retryMaxMs = 5_000;
const caughtUpTimeoutMs = 30_000;

export function createSubscription(options: SubscriptionOptions): Subscription {
  const alarm = createAlarm();
  const waiting = createWaiting(options);
  let run: { stopped: boolean; readonly ended: Promise<void> } | undefined;

  return {
    name: options.name,
    async start() {
      if (run) throw new AssertionError(`subscription ${options.name} is already running`);
      const checkpoint = await openBatches(options);
      waiting.open(checkpoint.position);
      const state = { stopped: false };
      const hint = options.store.onAppend(alarm.ring);
      const ended = supervise(options, { alarm, waiting, checkpoint, stopped: () => state.stopped })
        .catch((error: unknown) => {
          waiting.close(error);
          if (error instanceof Retired && options.retired) options.retired();
          else options.onFatal(error);
        })
        .finally(() => hint.stop());
      run = Object.assign(state, { ended });
    },
    async stop() {
      const stopping = run;
      if (!stopping) return;
      stopping.stopped = true;
      alarm.ring();
      await stopping.ended;
      waiting.close(undefined);
      run = undefined;
    },
    async caughtUp() {
      waiting.check();
      const target = await options.store.tail();
      const reached = waiting.reach(target);
      alarm.ring();
      await reached;
    },
  };
}

type Run = {
  readonly alarm: Alarm;
  readonly waiting: ReturnType<typeof createWaiting>;
  readonly checkpoint: Checkpoint;
  stopped(): boolean;
};

/** Runs until stopped. Failures of the world are retried from the stored checkpoint; anything else is thrown. */
async function supervise(options: SubscriptionOptions, run: Run): Promise<void> {
  const { alarm, waiting } = run;
  let checkpoint = run.checkpoint;
  let idleMs = pollMinMs;
  let retryMs = retryMinMs;
  const { batchSize = batchSizeDefault } = options;
  const batches = createBatches(options);
  while (!run.stopped()) {
    try {
      const begun = performance.now();
      const step = await batches.next(checkpoint);
      const applied = Number(step.checkpoint.count - checkpoint.count);
      checkpoint = step.checkpoint;
      retryMs = retryMinMs;
      waiting.reached(checkpoint.position);
      if (step.progress) {
        idleMs = pollMinMs;
        if (applied < batchSize) await gather(performance.now() - begun, run);
        continue;
      }
      const woken = await alarm.wait(idleMs);
      const idleMaxMs = waiting.size() > 0 ? pollAwaitedMaxMs : pollMaxMs;
      idleMs = woken ? pollMinMs : Math.min(idleMs * 2, idleMaxMs);
    } catch (caught) {
      const error = asOperational(caught);
      const isRetried = options.passes?.(caught) === true || (isOperationalError(error) && error.retryable);
      if (!isRetried) throw error;
      options.logger.warn({ error, subscription: options.name, retryMs }, 'subscription will retry');
      // Full jitter: runners that failed together do not come back together. Only stopping cuts it short.
      await waitFor(retryMs * Math.random(), run);
      retryMs = Math.min(retryMs * 2, retryMaxMs);
    }
  }
  await batches.settled();
}

/**
 * After a batch that was not full, as long as it took, but for whoever waits: what is appended meanwhile comes with the
 * next one, which costs little more for it. So readers take half of a busy process and of the server at most.
 */
async function gather(tookMs: number, run: Run): Promise<void> {
  const until = performance.now() + Math.min(tookMs, gatherMaxMs);
  for (let left = until - performance.now(); left >= 1 && !run.stopped(); left = until - performance.now()) {
    if (run.waiting.size() > 0) return;
    await run.alarm.wait(left);
  }
}

/** Not by the wall clock, which may be set back by a day meanwhile. */
async function waitFor(ms: number, run: Run): Promise<void> {
  const until = performance.now() + ms;
  for (let left = retryMinMs; left > 0 && !run.stopped(); left = until - performance.now()) await run.alarm.wait(left);
}

type Waiter = { readonly target: Position; resolve(): void; reject(error: unknown): void };

/** Those who wait for the checkpoint to reach a position. */
function createWaiting({ name, store }: SubscriptionOptions) {
  const waiters = new Set<Waiter>();
  let position: Position | undefined;
  let cause: unknown;
  const stopped = () => new OperationalError('store_unavailable', true, { cause, detail: `${name} is not running` });
  return {
    size: () => waiters.size,
    open(at: Position) {
      position = at;
      cause = undefined;
    },
    reached(at: Position) {
      position = at;
      for (const waiter of waiters) if (store.compare(at, waiter.target) >= 0) waiter.resolve();
    },
    close(error: unknown) {
      position = undefined;
      cause = error ?? cause;
      for (const waiter of waiters) waiter.reject(stopped());
    },
    check() {
      if (position === undefined) throw stopped();
    },
    async reach(target: Position): Promise<void> {
      if (position === undefined) throw stopped();
      if (store.compare(position, target) >= 0) return;
      let forget!: () => void;
      await new Promise<void>((resolve, reject) => {
        const waiter = { target, resolve, reject };
        const late = () =>
          reject(new OperationalError('store_unavailable', true, { detail: `${name} did not catch up in time` }));
        const timer = setTimeout(late, caughtUpTimeoutMs);
        forget = () => {
          clearTimeout(timer);
          waiters.delete(waiter);
        };
        waiters.add(waiter);
      }).finally(forget);
    },
  };
}
