/**
 * Builds a generation of the read models from the log beside the live one, compares the two, and switches to it.
 *
 *   build      from its stored place to the end of the log; a build that was interrupted goes on where it stood
 *   compare    in one snapshot that shows both at the same place, for which the live one stands still a moment
 *   switch     once it shows at least what the live one shows
 *
 * Nothing but tables comes of it: messages, webhooks and whatever else is told of events have their own places in the log.
 */
import { AssertionError, isOperationalError, OperationalError } from '@daybook/core';
import type { Logger } from '@daybook/runtime';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { createBatches, openBatches, type Batches } from './batches';
import type { Checkpoint } from './checkpoint';
import type { EventCodec } from './codec';
import { inTransaction, waitForAnswers, withConnection } from './database';
import type { EventStore, Position, StoredEvent } from './event-store';
import { dumpTable, type TableDump } from './generation-dump';
import {
  abandonGeneration,
  claimGeneration,
  ensureBuilding,
  liveGeneration,
  switchTo,
  type Generation,
  type GenerationPlan,
} from './generation-tables';
import { checkSuccession } from './generation-succession';
import { missingRelations } from './missing-relations';
import type { ProjectionTable } from './projection-table';
import { withSessionLock } from './session-lock';
import { createStoredFold } from './stored-fold';
import { versionsOf, type TableProjection } from './table-projections';

type Typed = { readonly type: string };

export type BuildDeps<Event extends Typed> = GenerationPlan & {
  readonly pool: Pool;
  readonly store: EventStore;
  readonly codec: EventCodec<Event>;
  readonly projections: readonly TableProjection<Event>[];
  readonly logger: Logger;
  /** Of a build; it uses up to six connections of the pool. */
  readonly buildBatchSize?: number;
};

export type BuildOptions<Found = undefined> = {
  readonly signal: AbortSignal;
  /** When to switch to what was built; what is not switched to is dropped. */
  readonly switch: 'when equal' | 'always' | 'never';
  /** Not to go on with what an interrupted build left. */
  readonly fresh?: boolean;
  /** Whether an unfinished generation is kept, to go on with, when the signal ends the build. Default: it is. */
  keepWhenAborted?(): boolean;
  progress?(step: BuildStep): void;
  /** Every batch that was applied. */
  observe?(events: readonly StoredEvent[]): void;
  /** Looks at the schemas of both in the snapshot that compares them. */
  inspect?(client: PoolClient, schemas: ComparedSchemas): Promise<Found>;
};

/** `missing`: names of the tables that the live one has lost. */
export type ComparedSchemas = {
  readonly live: string;
  readonly rebuilt: string;
  readonly missing: ReadonlySet<string>;
};

export type BuildStep = {
  readonly phase: 'building' | 'comparing' | 'switching';
  /** Events, or rows while comparing. */
  readonly done: number;
  readonly total: number | null;
};

export type TableComparison = {
  readonly table: string;
  /** Null when the table is missing, which differs from whatever was rebuilt. */
  readonly live: TableDump | null;
  readonly rebuilt: TableDump;
  readonly equal: boolean;
};

export type BuildReport<Found = undefined> = {
  readonly generation: number;
  readonly replaces: number;
  /** Events in it when it was compared, and the place of the last. */
  readonly events: bigint;
  readonly position: Position;
  /** What `inspect` found; undefined without it, and when there was nothing to compare with. */
  readonly found: Found | undefined;
  /** Tables of projections that both have in the same version. */
  readonly compared: readonly TableComparison[];
  readonly switched: boolean;
};

/** Whether it may take the place of another build's generation, where that is to give way. A replay is of its own. */
export type Succession = { readonly succeeds: boolean };

/** Less than a follower with a backlog: no reader of the log gets past a transaction that writes, and a build writes for long. */
const buildBatchSizeDefault = 10_000;
const keepMax = 200_000;
/** While the end of the log is hidden behind a transaction that is still open, or the views are in use. */
const waitMs = 20;
/** Each is shorter than the one before; under load the last would never come. */
const roundsMax = 3;
const comparisonTriesMax = 250;

/**
 * Throws OperationalError `store_unavailable` when another build is at it, when it is to switch to what is equal and
 * nothing could be compared, and, not to be tried again, when it is to switch and may not; the signal's reason when it is
 * aborted.
 */
export async function buildGeneration<Event extends Typed, Found = undefined>(
  deps: BuildDeps<Event>,
  asked: BuildOptions<Found> & Succession,
): Promise<BuildReport<Found>> {
  const { keepWhenAborted = () => true } = asked;
  return asOnlyBuilder(deps, async (lost) => {
    const options = { ...asked, signal: AbortSignal.any([asked.signal, lost]) };
    const live = await liveGeneration(deps.pool);
    if (live === undefined) throw new AssertionError('there is no live generation to replace');
    const versions = versionsOf(deps.projections);
    if (options.switch !== 'never') await checkSuccession(deps.pool, live, { versions, succeeds: options.succeeds });
    const next = await ensureBuilding(deps.pool, deps, options.fresh);
    const builder = await openBuilder(deps, next, options.observe);
    const building = { live, next, builder, options };
    try {
      // Not past the live one, so that there is a place to compare them at.
      await builder.catchUp(options, () => placeOf(deps.pool, live));
      const { compared, ...found } = await compare(deps, building);
      const report = { generation: next.number, replaces: live.number, ...found, compared };
      if (options.switch === 'when equal' && compared.length === 0) throw nothingCompared();
      const equal = compared.every((table) => table.equal);
      if (options.switch === 'never' || (options.switch === 'when equal' && !equal)) {
        await abandonGeneration(deps, next.number);
        return { ...report, switched: false };
      }
      await switchWhenLevel(deps, building);
      return { ...report, switched: true };
    } catch (error) {
      // What is handled ahead holds locks on the tables.
      await builder.settled();
      // Another process may go on with it since the lock is lost.
      const unwanted = asked.signal.aborted && !lost.aborted && !keepWhenAborted();
      if (unwanted) await abandonGeneration(deps, next.number);
      throw error;
    }
  });
}

/** What was built is kept: the live generation may move on, or be replaced by one that it can be compared with. */
function nothingCompared(): OperationalError {
  return new OperationalError('store_unavailable', true, { detail: 'there is nothing to compare what was built with' });
}

/** The checkpoints keep the tables right even without the lock. */
async function asOnlyBuilder<T>({ pool }: { pool: Pool }, work: (lost: AbortSignal) => Promise<T>): Promise<T> {
  const built = await withSessionLock(pool, { name: 'projection build' }, work);
  if (built !== undefined) return built.done;
  throw new OperationalError('store_unavailable', true, { detail: 'another build of the read models is running' });
}

type Builder = {
  readonly checkpoint: () => Checkpoint;
  /** To where `target` was a moment ago, and no further: the last events are for when it stands still. */
  catchUp(options: Pick<BuildOptions, 'signal' | 'progress'>, target: () => Promise<Position>): Promise<void>;
  settled(): Promise<void>;
};

async function openBuilder<Event extends Typed>(
  deps: BuildDeps<Event>,
  to: Generation,
  observe: BuildOptions['observe'],
): Promise<Builder> {
  const { pool, store, codec, projections, buildBatchSize = buildBatchSizeDefault } = deps;
  const { apply: handle, ...fold } = createStoredFold({ codec, projections, schema: to.checkpoint, keepMax });
  const batch = { pool, store, name: to.checkpoint, version: to.versions, batchSize: buildBatchSize };
  const options = { ...batch, ...fold, handle };
  let checkpoint = await openBatches(options);
  const total = await eventsIn(deps.pool);
  const batches: Batches = createBatches(options);
  const step = async (signal: AbortSignal, until?: Position) => {
    signal.throwIfAborted();
    const { checkpoint: next, progress, applied } = await batches.next(checkpoint, until);
    if (applied.length > 0) observe?.(applied);
    checkpoint = next;
    if (!progress) await delay(waitMs, undefined, { signal });
  };
  return {
    checkpoint: () => checkpoint,
    async catchUp({ signal, progress }, target) {
      for (let round = 0; round < roundsMax; round++) {
        const until = await target();
        if (store.compare(checkpoint.position, until) >= 0) break;
        while (store.compare(checkpoint.position, until) < 0) {
          await step(signal, until);
          const done = Number(checkpoint.count);
          progress?.({ phase: 'building', done, total: Math.max(total, done) });
        }
      }
      // What is handled ahead holds locks on the tables.
      await batches.settled();
    },
    settled: () => batches.settled(),
  };
}

async function placeOf(pool: Pool | PoolClient, { checkpoint }: Generation): Promise<Position> {
  const { rows } = await pool.query<{ position: Position }>('select position from subscriptions where name = $1', [
    checkpoint,
  ]);
  if (!rows[0]) throw new AssertionError(`generation ${checkpoint} has no checkpoint`);
  return rows[0].position;
}

/** As many as the reader that is furthest has applied. */
async function eventsIn(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: string }>('select max(applied_count) as count from subscriptions');
  return Number(rows[0]?.count ?? 0);
}

type Building<Found> = {
  readonly live: Generation;
  readonly next: Generation;
  readonly builder: Builder;
  readonly options: BuildOptions<Found> & Succession;
};

type Compared<Found> = Pick<BuildReport<Found>, 'position' | 'events' | 'compared' | 'found'>;

async function compare<Event extends Typed, Found>(
  { pool, store, projections }: BuildDeps<Event>,
  building: Building<Found>,
): Promise<Compared<Found>> {
  const { live, builder, options } = building;
  const tables = comparable(projections, live);
  for (let tries = 0; ; tries++) {
    options.signal.throwIfAborted();
    const done = await withConnection(pool, async (client, discard) => {
      try {
        const level = await levelSnapshot(pool, client, building);
        return level ? await inSnapshot(client, tables, building) : undefined;
      } finally {
        await client.query('rollback').catch(discard);
      }
    });
    if (done) return done;
    const { position, count: events } = builder.checkpoint();
    // A build that was interrupted may be past a live one that nobody moves any more.
    if (tries >= comparisonTriesMax && store.compare(position, await placeOf(pool, live)) > 0) {
      const compared = await withConnection(pool, (client) => missingTables(client, tables, building));
      return { position, events, compared, found: undefined };
    }
    await delay(waitMs, undefined, { signal: options.signal });
  }
}

/** Leaves `client` in a snapshot that shows both at the same place. False when the build is past the live one. */
async function levelSnapshot<Found>(
  pool: Pool,
  client: PoolClient,
  { live, builder, options }: Building<Found>,
): Promise<boolean> {
  await builder.catchUp(options, () => placeOf(pool, live));
  return inTransaction(pool, async (tx) => {
    const place = await claimGeneration(tx, live);
    await builder.catchUp(options, async () => place);
    await client.query('begin isolation level repeatable read read only');
    // Whoever wants long statements is us: they hold back nobody.
    await client.query(`set local statement_timeout = 0`);
    waitForAnswers(client);
    await client.query(`set local idle_in_transaction_session_timeout = 0`);
    // The first look fixes the moment.
    return (await placeOf(client, live)) === builder.checkpoint().position;
  });
}

async function inSnapshot<Found>(
  client: PoolClient,
  tables: readonly ProjectionTable[],
  { live, next, builder, options }: Building<Found>,
): Promise<Compared<Found>> {
  const { position, count: events } = builder.checkpoint();
  const missing = await missingOf(client, tables, live);
  const compared: TableComparison[] = [];
  let rows = 0;
  for (const table of tables) {
    const shown = missing.has(table.name) ? null : await dumpTable(client, live.checkpoint, table, options);
    const rebuilt = await dumpTable(client, next.checkpoint, table, options);
    const equal = shown?.hash === rebuilt.hash && shown.rows === rebuilt.rows;
    compared.push({ table: table.name, live: shown, rebuilt, equal });
    options.progress?.({ phase: 'comparing', done: (rows += rebuilt.rows), total: null });
  }
  const found = await options.inspect?.(client, { live: live.checkpoint, rebuilt: next.checkpoint, missing });
  return { position, events, compared, found };
}

async function missingOf(
  client: PoolClient,
  tables: readonly ProjectionTable[],
  { checkpoint }: Generation,
): Promise<ReadonlySet<string>> {
  const names = tables.map(({ name }) => name);
  return new Set(await missingRelations(client, checkpoint, names));
}

/** What differs wherever both stand. A live one that has lost a table may stand still for ever. */
async function missingTables<Found>(
  client: PoolClient,
  tables: readonly ProjectionTable[],
  { live, next, options }: Building<Found>,
): Promise<readonly TableComparison[]> {
  const missing = await missingOf(client, tables, live);
  const compared: TableComparison[] = [];
  for (const table of tables.filter(({ name }) => missing.has(name))) {
    const rebuilt = await dumpTable(client, next.checkpoint, table, options);
    compared.push({ table: table.name, live: null, rebuilt, equal: false });
  }
  return compared;
}

/** Those of projections that filled the live generation in the same version. */
function comparable(
  projections: readonly { name: string; version: number; tables: readonly ProjectionTable[] }[],
  { versions }: Generation,
): readonly ProjectionTable[] {
  const same = new Set(versions.split(' '));
  return projections.filter(({ name, version }) => same.has(`${name}@${version}`)).flatMap(({ tables }) => tables);
}

/** The last events are few; the live generation waits while the switch itself is made. */
async function switchWhenLevel<Event extends Typed, Found>(
  deps: BuildDeps<Event>,
  { next, builder, options }: Building<Found>,
): Promise<void> {
  const { pool, store } = deps;
  for (let tries = 1; ; tries++) {
    options.signal.throwIfAborted();
    options.progress?.({ phase: 'switching', done: 0, total: null });
    await builder.catchUp({ signal: options.signal }, () => store.tail());
    const begun = performance.now();
    const level = (place: Position) => builder.catchUp({ signal: options.signal }, async () => place);
    const { succeeds } = options;
    const switched = await switchTo(pool, deps, { store, next, level, tries, succeeds }).catch((error: unknown) => {
      if (isOperationalError(error) && error.retryable) return false;
      throw error;
    });
    if (switched) return;
    // Not in step with those who read the views.
    const pauseMs = pauseAfterMs(performance.now() - begun) + waitMs * Math.random();
    await delay(pauseMs, undefined, { signal: options.signal });
  }
}

/** Times as long as the try. */
const pauseFactor = 10;
const pauseMaxMs = 5_000;

/**
 * After a switch that failed. One that waits for the views has a number as a transaction, which no reader of the log gets
 * past, and whoever reads the views anew waits behind it: while somebody keeps them, as a full check does, both are to move
 * most of the time.
 */
export function pauseAfterMs(triedMs: number): number {
  return Math.min(Math.max(triedMs * pauseFactor, waitMs), pauseMaxMs);
}
