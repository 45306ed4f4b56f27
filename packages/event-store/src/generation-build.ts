/**
 * Builds a generation of the read models from the log beside the live one, compares the two, and switches to it.
 *
 *   build      from its stored place to the end of the log; a build that was interrupted goes on where it stood
 *   compare    at one place of both: the live one as one snapshot shows it, the other moved to exactly there
 *   switch     once it shows at least what the live one shows
 *
 * Nothing but tables comes of it: messages, webhooks and whatever else is told of events have their own places in the log.
 */
import { AssertionError, OperationalError } from '@daybook/core';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { createBatches, openBatches, type Batches } from './batches';
import type { Checkpoint } from './checkpoint';
import type { EventCodec } from './codec';
import { withConnection } from './database';
import type { EventStore, Position } from './event-store';
import { dumpTable, type TableDump } from './generation-dump';
import {
  dropGeneration,
  ensureBuilding,
  liveGeneration,
  switchTo,
  type Generation,
  type GenerationPlan,
} from './generation-tables';
import type { ProjectionTable } from './projection-table';
import { createStoredFold, type TableProjection } from './table-projections';

type Typed = { readonly type: string };

export type BuildDeps<Event extends Typed> = GenerationPlan & {
  readonly pool: Pool;
  readonly store: EventStore;
  readonly codec: EventCodec<Event>;
  readonly projections: readonly TableProjection<Event>[];
};

export type BuildOptions = {
  readonly signal: AbortSignal;
  /** Whether to switch when the tables differ from the live ones. */
  readonly onDifference: 'keep-live' | 'switch';
  /** What becomes of the unfinished generation when the signal ends the build. */
  readonly onAbort: 'drop' | 'keep';
  progress?(step: BuildStep): void;
};

export type BuildStep = {
  readonly phase: 'building' | 'comparing' | 'switching';
  /** Events, or rows while comparing. */
  readonly done: number;
  readonly total: number | null;
};

export type TableComparison = {
  readonly table: string;
  readonly live: TableDump;
  readonly rebuilt: TableDump;
  readonly equal: boolean;
};

export type BuildReport = {
  readonly generation: number;
  readonly replaces: number;
  /** Events in it when it was compared, and the place of the last. */
  readonly events: bigint;
  readonly position: Position;
  /** Tables of projections that both have in the same version. */
  readonly compared: readonly TableComparison[];
  readonly switched: boolean;
};

/** More than when following: nobody waits to see these. */
const buildBatchSize = 10_000;
const keepMax = 200_000;
/** While the end of the log is hidden behind a transaction that is still open, or the views are in use. */
const waitMs = 20;
const comparisonTriesMax = 250;

/** Throws OperationalError `store_unavailable` when another build is at it, and the signal's reason when it is aborted. */
export async function buildGeneration<Event extends Typed>(
  deps: BuildDeps<Event>,
  options: BuildOptions,
): Promise<BuildReport> {
  return asOnlyBuilder(deps, async () => {
    const live = await liveGeneration(deps.pool);
    if (live === undefined) throw new AssertionError('there is no live generation to replace');
    const next = await ensureBuilding(deps.pool, deps);
    const builder = await openBuilder(deps, next);
    try {
      // Not past the live one, so that there is a place to compare them at.
      await builder.catchUp(options, async () => (await placeOf(deps.pool, live)).position);
      const { position, events, compared } = await compare(deps, { live, next, builder, options });
      const differs = compared.some(({ equal }) => !equal);
      const report = { generation: next.number, replaces: live.number, events, position, compared };
      if (differs && options.onDifference === 'keep-live') {
        await dropGeneration(deps.pool, deps, next.number);
        return { ...report, switched: false };
      }
      options.progress?.({ phase: 'switching', done: 0, total: null });
      await switchWhenLevel(deps, { next, builder, options });
      return { ...report, switched: true };
    } catch (error) {
      if (options.signal.aborted && options.onAbort === 'drop') await dropGeneration(deps.pool, deps, next.number);
      throw error;
    } finally {
      await builder.settled();
    }
  });
}

/** Holds a lock for as long as the connection lives; the checkpoints keep the tables right even without it. */
async function asOnlyBuilder<T>({ pool, schema }: { pool: Pool; schema: string }, work: () => Promise<T>): Promise<T> {
  const lock = `projection build ${schema}`;
  return withConnection(pool, async (client) => {
    const { rows } = await client.query<{ locked: boolean }>(
      `select pg_try_advisory_lock(hashtextextended($1, 0)) as locked`,
      [lock],
    );
    if (rows[0]?.locked !== true) {
      throw new OperationalError('store_unavailable', true, { detail: 'another build of the read models is running' });
    }
    try {
      return await work();
    } finally {
      // When the connection is lost the server has released it.
      await client.query(`select pg_advisory_unlock(hashtextextended($1, 0))`, [lock]).catch(() => undefined);
    }
  });
}

type Builder = {
  readonly checkpoint: () => Checkpoint;
  /** To where `target` is when it gets there, and no further. */
  catchUp(options: BuildOptions, target: () => Promise<Position>): Promise<void>;
  settled(): Promise<void>;
};

async function openBuilder<Event extends Typed>(deps: BuildDeps<Event>, to: Generation): Promise<Builder> {
  const { pool, store, codec, projections } = deps;
  const { apply, ...fold } = createStoredFold({ codec, projections, schema: to.checkpoint, keepMax });
  const batch = { pool, store, name: to.checkpoint, version: to.versions, batchSize: buildBatchSize };
  const options = { ...batch, ...fold, handle: apply };
  let checkpoint = await openBatches(options);
  const total = await eventsIn(deps.pool);
  const batches: Batches = createBatches(options);
  const step = async (signal: AbortSignal, until?: Position) => {
    signal.throwIfAborted();
    const { checkpoint: next, progress } = await batches.next(checkpoint, until);
    checkpoint = next;
    if (!progress) await delay(waitMs, undefined, { signal });
  };
  return {
    checkpoint: () => checkpoint,
    async catchUp({ signal, progress }, target) {
      for (let until = await target(); store.compare(checkpoint.position, until) < 0; until = await target()) {
        while (store.compare(checkpoint.position, until) < 0) {
          await step(signal, until);
          const done = Number(checkpoint.count);
          progress?.({ phase: 'building', done, total: Math.max(total, done) });
        }
      }
    },
    settled: () => batches.settled(),
  };
}

async function placeOf(pool: Pool | PoolClient, { checkpoint }: Generation): Promise<{ readonly position: Position }> {
  const { rows } = await pool.query<{ position: Position }>('select position from subscriptions where name = $1', [
    checkpoint,
  ]);
  if (!rows[0]) throw new AssertionError(`generation ${checkpoint} has no checkpoint`);
  return rows[0];
}

/** As many as the reader that is furthest has applied. */
async function eventsIn(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: string }>('select max(applied_count) as count from subscriptions');
  return Number(rows[0]?.count ?? 0);
}

type Building = { readonly next: Generation; readonly builder: Builder; readonly options: BuildOptions };

async function compare<Event extends Typed>(
  deps: BuildDeps<Event>,
  { live, next, builder, options }: Building & { readonly live: Generation },
): Promise<Pick<BuildReport, 'position' | 'events' | 'compared'>> {
  const { pool, store } = deps;
  const tables = comparable(deps.projections, live);
  for (let tries = 0; ; tries++) {
    options.signal.throwIfAborted();
    const done = await withConnection(pool, async (client) => {
      await client.query('begin isolation level repeatable read read only');
      try {
        await client.query('set local idle_in_transaction_session_timeout = 0');
        const { position } = await placeOf(client, live);
        if (store.compare(builder.checkpoint().position, position) > 0) {
          // A build that was interrupted may be past a live one that nobody moves any more.
          if (tries < comparisonTriesMax) return undefined;
          return { position: builder.checkpoint().position, events: builder.checkpoint().count, compared: [] };
        }
        await builder.catchUp(options, async () => position);
        const compared: TableComparison[] = [];
        for (const table of tables) {
          const shown = await dumpTable(client, live.checkpoint, table, options.signal);
          compared.push(await comparison(pool, { table, shown, next, options }));
        }
        return { position, events: builder.checkpoint().count, compared };
      } finally {
        await client.query('rollback');
      }
    });
    if (done) return done;
    await delay(waitMs, undefined, { signal: options.signal });
  }
}

async function comparison(
  pool: Pool,
  of: {
    readonly table: ProjectionTable;
    readonly shown: TableDump;
    readonly next: Generation;
    readonly options: BuildOptions;
  },
): Promise<TableComparison> {
  const { table, shown, next, options } = of;
  const rebuilt = await withConnection(pool, (client) => dumpTable(client, next.checkpoint, table, options.signal));
  options.progress?.({ phase: 'comparing', done: rebuilt.rows, total: null });
  return { table: table.name, live: shown, rebuilt, equal: shown.hash === rebuilt.hash && shown.rows === rebuilt.rows };
}

/** Those of projections that filled the live generation in the same version. */
function comparable(
  projections: readonly { name: string; version: number; tables: readonly ProjectionTable[] }[],
  { versions }: Generation,
): readonly ProjectionTable[] {
  const same = new Set(versions.split(' '));
  return projections.filter(({ name, version }) => same.has(`${name}@${version}`)).flatMap(({ tables }) => tables);
}

/** The last events are few, so the live generation cannot run away for ever; still it waits only while the switch is made. */
async function switchWhenLevel<Event extends Typed>(
  deps: BuildDeps<Event>,
  { next, builder, options }: Building,
): Promise<void> {
  const { pool, store } = deps;
  for (;;) {
    await builder.catchUp(options, () => store.tail());
    const switched = await switchTo(pool, deps, { store, next }).catch((error: unknown) => {
      if ((error as { retryable?: unknown }).retryable === true) return false;
      throw error;
    });
    if (switched) return;
    await delay(waitMs, undefined, { signal: options.signal });
  }
}
