/**
 * The log applied in batches by readers with a stored place: read, claim, effects, checkpoint and running proof, one
 * commit; a crash anywhere repeats the batch or nothing. Whoever runs this decides when, and what becomes of failures.
 */
import { AssertionError } from '@daybook/core';
import type { Pool } from 'pg';
import { advance, postgresCheckpoints, type Checkpoint, type CheckpointTable } from './checkpoint';
import { inTransactionAfter, runAll, together, type Sql, type Tx } from './database';
import type { EventStore, Position, StoredEvent } from './event-store';
import { followedLog } from './log-tail';

export type BatchOptions = {
  readonly pool: Pool;
  readonly store: EventStore;
  /** A new name starts at the beginning of the log. */
  readonly name: string;
  /** What the effects are made of. A stored place that another version reached is refused. */
  readonly version?: string;
  readonly batchSize?: number;
  /** Postgres unless a simulation brings its own. */
  readonly checkpoints?: CheckpointTable;
  /**
   * Work on the batch behind a place that needs no transaction. A batch may be read, and prepared, while the one before it
   * is applied; it may never be applied, or not as it was prepared. Must not throw for what `handle` will throw again.
   */
  prepare?(events: readonly StoredEvent[], from: Position): Promise<void>;
  /**
   * What the handler remembers of earlier batches may not be what is stored: one failed, or another runner was at work.
   * Every batch that was prepared is either handled or forgotten.
   */
  forget?(): void;
  /** Another version has taken the place over. Without this it is a bug; with it the runner ends, and its waiters fail. */
  retired?(): void;
  /**
   * The effects of some events, in order, inside the transaction that moves the checkpoint. Statements that are returned
   * are run with that move.
   */
  handle(tx: Tx, events: readonly StoredEvent[]): Promise<readonly Sql[] | void>;
};

export type Batches = {
  /**
   * One batch behind the place that is known, not past `until`; or none, when there is none or another runner is at it.
   * Progress means that there may be more at once.
   */
  next(known: Checkpoint, until?: Position): Promise<{ readonly checkpoint: Checkpoint; readonly progress: boolean }>;
  /** Resolves when nothing is being read any more. */
  settled(): Promise<void>;
};

export const batchSizeDefault = 500;

/** The stored place, for the first batch. Throws `Retired` or AssertionError when it is another version's. */
export async function openBatches(options: BatchOptions): Promise<Checkpoint> {
  const { checkpoints = postgresCheckpoints, pool, name } = options;
  const { version, ...checkpoint } = await checkpoints.open(pool, name, options.version ?? '');
  checkVersion(options, version);
  options.forget?.();
  return checkpoint;
}

export function createBatches(options: BatchOptions): Batches {
  const { pool, store, name, checkpoints = postgresCheckpoints } = options;
  const ahead = readAhead(options);
  const claim = (tx: Tx) => checkpoints.claim(tx, name);
  const apply = async (
    tx: Tx,
    { claimed, current, version }: Awaited<ReturnType<typeof claim>>,
    known: Checkpoint,
    events: readonly StoredEvent[],
  ) => {
    checkVersion(options, version);
    const moved = current.position !== known.position || current.count !== known.count;
    if (!claimed || moved) {
      options.forget?.();
      return { checkpoint: current, progress: moved };
    }
    const last = (await options.handle(tx, events)) ?? [];
    const next = advance(current, events);
    const [, isMoved] = await together(tx, [() => runAll(tx, last), () => checkpoints.move(tx, name, current, next)]);
    if (!isMoved) throw new CheckpointMoved();
    return { checkpoint: next, progress: true };
  };
  return {
    async next(known, until) {
      // Read outside of the transaction, so that an idle reader costs one query and no transaction.
      const read = await ahead.after(known.position);
      const last = read.at(-1);
      const within = until === undefined || last === undefined || store.compare(last.position, until) <= 0;
      // The array itself wherever possible: it is what was prepared.
      const events = within ? read : read.filter(({ position }) => store.compare(position, until) <= 0);
      if (events.length === 0) {
        if (last !== undefined) options.forget?.();
        return { checkpoint: known, progress: false };
      }
      try {
        return await inTransactionAfter(pool, claim, (tx, claimed) => apply(tx, claimed, known, events));
      } catch (error) {
        options.forget?.();
        if (error instanceof CheckpointMoved) return { checkpoint: known, progress: true };
        // The commit may have succeeded before the connection was lost; the next claim tells.
        throw error;
      }
    },
    settled: ahead.settled,
  };
}

/** The log in batches. When one is full, the next is read while the first is applied. */
function readAhead({ store, batchSize = batchSizeDefault, prepare, forget }: BatchOptions) {
  let next: { readonly from: Position; readonly events: Promise<readonly StoredEvent[]> } | undefined;
  const follow = followedLog(store);
  const read = async (from: Position) => {
    const events = await follow(from, batchSize);
    if (events.length > 0) await prepare?.(events, from);
    return events;
  };
  return {
    async after(from: Position): Promise<readonly StoredEvent[]> {
      if (next !== undefined && next.from !== from) {
        await next.events.catch(() => undefined);
        next = undefined;
        forget?.();
      }
      const reading = next?.events ?? read(from);
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

function checkVersion({ name, version = '', retired }: BatchOptions, stored: string): void {
  if (stored === version) return;
  if (retired) throw new Retired(`subscription ${name} was taken over`);
  throw new AssertionError(
    `subscription ${name} stands at version "${stored}", this build has "${version}": rebuild it or run the build that fits`,
  );
}

/** The place has been taken over by another version. */
export class Retired extends Error {
  override readonly name = 'Retired';
}

/** Ends the transaction of a batch that another runner has applied meanwhile. */
class CheckpointMoved extends Error {
  override readonly name = 'CheckpointMoved';
}
