/**
 * The log applied in batches by readers with a stored place: read, claim, effects, checkpoint and running proof, one
 * commit; a crash anywhere repeats the batch or nothing. Whoever runs this decides when, and what becomes of failures.
 *
 * Where the effects allow it, those of the next batch are made in a transaction of its own meanwhile, which claims and
 * commits after the one before it or not at all.
 */
import { AssertionError } from '@daybook/core';
import type { Pool } from 'pg';
import { advance, postgresCheckpoints, type Checkpoint, type CheckpointTable } from './checkpoint';
import { inTransaction, inTransactionAfter, runAll, together, type Sql, type Tx } from './database';
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
   * True when it may also be handled before the one before it is committed.
   */
  prepare?(events: readonly StoredEvent[], from: Position): Promise<boolean>;
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

/** Progress means that there may be more at once. */
export type Step = {
  readonly checkpoint: Checkpoint;
  readonly progress: boolean;
  readonly applied: readonly StoredEvent[];
};

export type Batches = {
  /** One batch behind the place that is known, not past `until`; or none, when there is none or another runner is at it. */
  next(known: Checkpoint, until?: Position): Promise<Step>;
  /** Resolves when nothing is being read or handled any more. */
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
  const claim = (tx: Tx) => checkpoints.claim(tx, name);
  const check = ({ claimed, current, version }: Awaited<ReturnType<typeof claim>>, known: Checkpoint) => {
    checkVersion(options, version);
    const moved = current.position !== known.position || current.count !== known.count;
    if (!claimed || moved) throw new NotItsTurn({ checkpoint: current, progress: moved, applied: [] });
  };
  const commit = async (tx: Tx, last: readonly Sql[], known: Checkpoint, events: readonly StoredEvent[]) => {
    const next = advance(known, events);
    const [, isMoved] = await together(tx, [() => runAll(tx, last), () => checkpoints.move(tx, name, known, next)]);
    if (!isMoved) throw new NotItsTurn({ checkpoint: known, progress: true, applied: [] });
    return { checkpoint: next, progress: true, applied: events };
  };
  const apply = (known: Checkpoint, events: readonly StoredEvent[]) =>
    inTransactionAfter(pool, claim, async (tx, claimed) => {
      check(claimed, known);
      return commit(tx, (await options.handle(tx, events)) ?? [], known, events);
    });
  const ahead = readAhead(options, (events) =>
    handledAhead(options, events, {
      claim: async (tx, known) => check(await claim(tx), known),
      commit: (tx, last, known) => commit(tx, last, known, events),
    }),
  );
  return {
    async next(known, until) {
      // Read outside of the transaction, so that an idle reader costs one query and no transaction.
      const { events: read, handled } = await ahead.after(known.position);
      const last = read.at(-1);
      const within = until === undefined || last === undefined || store.compare(last.position, until) <= 0;
      // The array itself wherever possible: it is what was prepared.
      const events = within ? read : read.filter(({ position }) => store.compare(position, until) <= 0);
      if (!within && handled) {
        await handled.abandoned();
        await ahead.forget();
      }
      if (events.length === 0) {
        if (last !== undefined) await ahead.forget();
        return { checkpoint: known, progress: false, applied: [] };
      }
      try {
        return await (within && handled ? handled.committed(known) : apply(known, events));
      } catch (error) {
        await ahead.forget();
        if (error instanceof NotItsTurn) return error.step;
        // The commit may have succeeded before the connection was lost; the next claim tells.
        throw error;
      }
    },
    settled: ahead.settled,
  };
}

type HandledAhead = {
  /** When the batch before it is committed, up to `known`. */
  committed(known: Checkpoint): Promise<Step>;
  /** When it will not be; resolves when nothing of it is left. */
  abandoned(): Promise<void>;
};

/**
 * A batch whose effects are made in a transaction of their own while those of the one before it are: two of the server's
 * processes work at once. It claims, and commits, after that one. What fails before its claim says nothing, because the
 * place was not its, and its connection may have been idle for too long: the batch is then handled again, in its turn.
 */
function handledAhead(
  { pool, handle }: BatchOptions,
  events: readonly StoredEvent[],
  inTurn: {
    claim(tx: Tx, known: Checkpoint): Promise<void>;
    commit(tx: Tx, last: readonly Sql[], known: Checkpoint): Promise<Step>;
  },
): HandledAhead {
  let take!: (known: Checkpoint | undefined) => void;
  const turn = new Promise<Checkpoint | undefined>((resolve) => (take = resolve));
  let isItsTurn = false;
  const step = inTransaction(pool, async (tx) => {
    const last = (await handle(tx, events)) ?? [];
    const known = await turn;
    if (known === undefined) throw new Abandoned();
    await inTurn.claim(tx, known);
    isItsTurn = true;
    return inTurn.commit(tx, last, known);
  });
  // Whoever takes it meets its failure, if anyone does.
  step.catch(() => undefined);
  return {
    async committed(known) {
      take(known);
      try {
        return await step;
      } catch (error) {
        if (isItsTurn || error instanceof NotItsTurn) throw error;
        throw new NotItsTurn({ checkpoint: known, progress: true, applied: [] });
      }
    },
    async abandoned() {
      take(undefined);
      await step.catch(() => undefined);
    },
  };
}

type Read = { readonly events: readonly StoredEvent[]; readonly handled: HandledAhead | undefined };

/** The log in batches. When one is full, the next is read, and handled if it can be, while the first is applied. */
function readAhead(
  { store, batchSize = batchSizeDefault, prepare, forget }: BatchOptions,
  handle: (events: readonly StoredEvent[]) => HandledAhead,
) {
  let next: { readonly from: Position; readonly read: Promise<Read> } | undefined;
  /** After a failure a batch is alone: if it and the one ahead waited for each other, it meets what is wrong now. */
  let alone = false;
  const follow = followedLog(store);
  const read = async (from: Position, isAhead: boolean): Promise<Read> => {
    const events = await follow(from, batchSize);
    const ready = events.length > 0 && (await prepare?.(events, from)) === true;
    return { events, handled: isAhead && ready ? handle(events) : undefined };
  };
  const drop = async () => {
    // What is prepared may wait for the batch before it, which will not come.
    forget?.();
    const dropped = await next?.read.catch(() => undefined);
    next = undefined;
    await dropped?.handled?.abandoned();
    alone = true;
    // Until here something of it was remembered again.
    forget?.();
  };
  return {
    async after(from: Position): Promise<Read> {
      if (next !== undefined && next.from !== from) await drop();
      const reading = next?.read ?? read(from, false);
      next = undefined;
      const found = await reading;
      const last = found.events.at(-1);
      if (last === undefined || found.events.length < batchSize) return found;
      next = { from: last.position, read: read(last.position, !alone) };
      alone = false;
      // Its failure is met by whoever takes it, if anyone does.
      next.read.catch(() => undefined);
      return found;
    },
    forget: drop,
    settled: async () => {
      if (next !== undefined) await drop();
    },
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

/** Ends the transaction of a batch that another runner applies or has applied, or that was handled too early. */
class NotItsTurn extends Error {
  override readonly name = 'NotItsTurn';
  constructor(readonly step: Step) {
    super('another runner is at it');
  }
}

/** Ends the transaction of a batch that was handled ahead and is not to be committed. */
class Abandoned extends Error {
  override readonly name = 'Abandoned';
}
