/**
 * A reader of the whole log with a stored place. Per batch: read, claim, effects, checkpoint and running proof, one
 * commit; a crash anywhere repeats the batch or nothing. Any number of runners of one name may run: an advisory lock
 * lets one work at a time, and the compare-and-set of the checkpoint makes a second harmless.
 */
import { AssertionError, isOperationalError, OperationalError } from '@daybook/core';
import { createAlarm, type Alarm, type Component, type Logger, type OnFatal } from '@daybook/runtime';
import type { Pool } from 'pg';
import { advance, claimCheckpoint, moveCheckpoint, openCheckpoint, type Checkpoint } from './checkpoint';
import { inTransaction, type Tx } from './database';
import type { EventStore, Position, StoredEvent } from './event-store';
import { asOperational } from './operational';

export type SubscriptionOptions = {
  readonly pool: Pool;
  readonly store: EventStore;
  /** A new name starts at the beginning of the log. */
  readonly name: string;
  /** What the effects are made of. A stored place that another version reached is refused at start. */
  readonly version?: string;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
  readonly batchSize?: number;
  /** Work on a batch that needs no transaction. A batch may be read, and prepared, while the one before it is applied. */
  prepare?(events: readonly StoredEvent[]): void;
  /** What the handler remembers of earlier batches may not be what is stored: one failed, or another runner was at work. */
  forget?(): void;
  /** Another version has taken the place over. Without this it is a bug; with it the runner ends, and its waiters fail. */
  retired?(): void;
  /** The effects of some events, in order, inside the transaction that moves the checkpoint. */
  handle(tx: Tx, events: readonly StoredEvent[]): Promise<void>;
};

export type Subscription = Component & {
  /**
   * Resolves when everything appended before the call is applied. Rejects with OperationalError `store_unavailable`
   * when the runner stops first or takes too long.
   */
  caughtUp(): Promise<void>;
};

const batchSizeDefault = 500;
const pollMaxMs = 250;
/** After a wake the event may be hidden behind an older open transaction for a moment, so look again soon. */
const pollMinMs = 4;
/** While someone waits for `caughtUp`. */
const pollAwaitedMaxMs = 16;
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
      const checkpoint = await openCheckpoint(options.pool, options.name, options.version ?? '');
      checkVersion(options, checkpoint.version);
      options.forget?.();
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
  const ahead = readAhead(options);
  while (!run.stopped()) {
    try {
      const step = await applyBatch(options, ahead, checkpoint);
      checkpoint = step.checkpoint;
      retryMs = retryMinMs;
      waiting.reached(checkpoint.position);
      if (step.progress) {
        idleMs = pollMinMs;
        continue;
      }
      const woken = await alarm.wait(idleMs);
      const idleMaxMs = waiting.size() > 0 ? pollAwaitedMaxMs : pollMaxMs;
      idleMs = woken ? pollMinMs : Math.min(idleMs * 2, idleMaxMs);
    } catch (caught) {
      options.forget?.();
      const error = asOperational(caught);
      if (!isOperationalError(error) || !error.retryable) throw error;
      options.logger.warn({ error, subscription: options.name, retryMs }, 'subscription will retry');
      // Full jitter: runners that failed together do not come back together. Only stopping cuts it short.
      await waitUntil(Date.now() + retryMs * Math.random(), run);
      retryMs = Math.min(retryMs * 2, retryMaxMs);
    }
  }
  await ahead.settled();
}

/** The log in batches. When one is full, the next is read while the first is applied. */
function readAhead({ store, batchSize = batchSizeDefault, prepare }: SubscriptionOptions) {
  let next: { readonly from: Position; readonly events: Promise<readonly StoredEvent[]> } | undefined;
  const read = async (from: Position) => {
    const events = await store.readAll(from, batchSize);
    if (events.length > 0) prepare?.(events);
    return events;
  };
  return {
    async after(from: Position): Promise<readonly StoredEvent[]> {
      const reading = next?.from === from ? next.events : read(from);
      next = undefined;
      const events = await reading;
      const last = events.at(-1);
      if (last === undefined || events.length < batchSize) return events;
      next = { from: last.position, events: read(last.position) };
      // Its failure is met by whoever takes it, if anyone does.
      next.events.catch(() => undefined);
      return events;
    },
    settled: async () => void (await next?.events.catch(() => undefined)),
  };
}

async function waitUntil(time: number, run: Run): Promise<void> {
  for (let left = retryMinMs; left > 0 && !run.stopped(); left = time - Date.now()) await run.alarm.wait(left);
}

/** One batch, or less when there is none or another runner has it. Progress means that there may be more at once. */
async function applyBatch(
  options: SubscriptionOptions,
  ahead: ReturnType<typeof readAhead>,
  known: Checkpoint,
): Promise<{ checkpoint: Checkpoint; progress: boolean }> {
  const { pool, name } = options;
  // Read outside of the transaction, so that an idle subscription costs one query and no transaction.
  const events = await ahead.after(known.position);
  if (events.length === 0) return { checkpoint: known, progress: false };
  try {
    return await inTransaction(pool, async (tx) => {
      const { claimed, current, version } = await claimCheckpoint(tx, name);
      checkVersion(options, version);
      const moved = current.position !== known.position || current.count !== known.count;
      if (moved) options.forget?.();
      if (!claimed || moved) return { checkpoint: current, progress: moved };
      await options.handle(tx, events);
      const next = advance(current, events);
      if (!(await moveCheckpoint(tx, name, current, next))) throw new CheckpointMoved();
      return { checkpoint: next, progress: true };
    });
  } catch (error) {
    if (error instanceof CheckpointMoved) {
      options.forget?.();
      return { checkpoint: known, progress: true };
    }
    // The commit may have succeeded before the connection was lost; the next claim tells.
    throw error;
  }
}

function checkVersion({ name, version = '', retired }: SubscriptionOptions, stored: string): void {
  if (stored === version) return;
  if (retired) throw new Retired(`subscription ${name} was taken over`);
  throw new AssertionError(
    `subscription ${name} stands at version "${stored}", this build has "${version}": rebuild it or run the build that fits`,
  );
}

/** Thrown by `start` too. */
class Retired extends Error {
  override readonly name = 'Retired';
}

/** Ends the transaction of a batch that another runner has applied meanwhile. */
class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';
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
