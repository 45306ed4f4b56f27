/**
 * A fold whose rows are the tables of a schema: loaded by key, changed in memory, stored with the checkpoint.
 *
 *   prepare   as far as the rows in memory go, the next batch is decoded and folded while the one before it is stored;
 *             an event is forgotten as soon as it is folded, which keeps the garbage young
 *   apply     loads what was missing, folds the rest, takes the changes and stores them; rows that never change go into
 *             the transaction at once, which may be before the batch in front is committed
 *
 * What is in memory runs ahead of the tables by at most two batches: one that is being stored, and one behind it that is
 * folded or stored ahead. Whatever goes wrong, everything is forgotten and begins again from the tables.
 */
import { assert } from '@daybook/core';
import { setImmediate as breathe } from 'node:timers/promises';
import type { EventCodec } from './codec';
import { queryAll, type Sql, type Tx } from './database';
import type { Position, StoredEvent } from './event-store';
import { copiedRowsMin, copyIn } from './projection-copy';
import { rowsInMemory, type RowsInMemory, type TableChanges } from './projection-rows';
import { changeStatements, loadStatement, rowsOf } from './projection-statements';
import { createFold, tablesOf, type TableProjection } from './table-projections';

type Typed = { readonly type: string };

export type StoredFold = {
  /** Works on the batch behind `from` ahead of its `apply`, which may come before the one in front is committed if this says so. */
  prepare(events: readonly StoredEvent[], from: Position): Promise<boolean>;
  /**
   * Loads and folds within the transaction, and stores there what is much; the statements that it returns store the rest.
   * After a failure, or when it does not commit, call `forget`.
   */
  apply(tx: Tx, events: readonly StoredEvent[]): Promise<readonly Sql[]>;
  forget(): void;
};

/** Rows of a table that stay in memory between batches. */
const keepMaxDefault = 50_000;

/** Whatever else the process does waits no longer than so many events take, some milliseconds. */
const eventsAtOnce = 500;

/**
 * The checkpoint commits with the tables, so that a crash of the server which loses the last commits loses both alike, and
 * the events are applied again. The log itself is never written like this.
 */
const commitSoon: Sql = { text: 'set local synchronous_commit = off', values: [] };

export function createStoredFold<Event extends Typed>(options: {
  readonly codec: EventCodec<Event>;
  readonly projections: readonly TableProjection<Event>[];
  readonly schema: string;
  readonly keepMax?: number;
}): StoredFold {
  const { codec, projections, schema, keepMax = keepMaxDefault } = options;
  const tables = tablesOf(projections);
  assert(new Set(tables).size === tables.length, 'a table belongs to two projections');
  const memory = rowsInMemory(tables, { keepMax });
  const { want, fold } = createFold(codec, projections, memory);
  /** The place up to which changes were taken, as long as what is in memory is what is stored or being stored. */
  let taken: Position | undefined;
  /** A batch that is being folded, behind what is taken. */
  let ahead: Batch | undefined;

  const forget = () => {
    memory.clear();
    taken = undefined;
    leave();
  };
  const leave = () => {
    ahead?.leave();
    ahead = undefined;
  };

  /** Until a row is missing: those that the event at `next` wants. */
  const foldWhatCan = async (batch: Batch) => {
    for (const { events } = batch; batch.next < events.length; batch.next++) {
      const place = events[batch.next]!;
      const event = codec.decode(place);
      want(event, place);
      if (!memory.complete()) return;
      fold(event, place);
      if (batch.next % eventsAtOnce !== eventsAtOnce - 1) continue;
      await breathe();
      if (ahead !== batch) return;
    }
  };

  return {
    async prepare(events, from) {
      if (ahead !== undefined && lastOf(ahead.events) === from) await ahead.left;
      // These events are not the next ones, and its rows are not theirs to forget.
      if (ahead?.applying) return false;
      // What was folded ahead was not applied: it may be in memory twice.
      if (ahead !== undefined) forget();
      // Also one whose rows are to be loaded first: the next one waits for it.
      const batch = openBatch(events);
      ahead = batch;
      if (taken !== from) return false;
      // The same failure will come of applying it.
      await foldWhatCan(batch).catch(() => (ahead === batch ? forget() : undefined));
      // What the batch in front has changed is still in memory, so that a row to be loaded is none that it stores.
      return ahead === batch && keepMax > 0;
    },
    async apply(tx, events) {
      if (ahead !== undefined && ahead.events !== events) forget();
      const batch = (ahead ??= openBatch(events));
      batch.applying = true;
      await foldWhatCan(batch);
      if (batch.next < events.length) {
        const rest = events.slice(batch.next).map((place) => ({ place, event: codec.decode(place) }));
        for (const { place, event } of rest) want(event, place);
        await load(tx, schema, memory);
        for (const { place, event } of rest) fold(event, place);
      }
      const changes = memory.changes();
      const statements = changeStatements(schema, changes.map(withoutMany));
      memory.settle();
      taken = lastOf(events);
      // From here on the next batch may be folded: rows of `kept` tables are in the statements, as they were.
      leave();
      for (const { table, inserted } of changes.filter(hasMany)) await copyIn(tx, schema, table, inserted);
      return [commitSoon, ...statements];
    },
    forget,
  };
}

type Batch = {
  readonly events: readonly StoredEvent[];
  /** The first that is not folded. */
  next: number;
  /** From when it is applied until it is left: it is not forgotten for what was read elsewhere. */
  applying: boolean;
  /** Resolves when its changes are taken, or forgotten. */
  readonly left: Promise<void>;
  leave(): void;
};

function openBatch(events: readonly StoredEvent[]): Batch {
  let leave!: () => void;
  const left = new Promise<void>((resolve) => (leave = resolve));
  return { events, next: 0, applying: false, left, leave };
}

function lastOf(events: readonly StoredEvent[]): Position | undefined {
  return events.at(-1)?.position;
}

/** New rows of `appended` tables never change, so that they may be encoded while the next batch is folded. */
function hasMany({ table, inserted }: TableChanges): boolean {
  return table.kind === 'appended' && inserted.length >= copiedRowsMin;
}

function withoutMany(changes: TableChanges): TableChanges {
  return hasMany(changes) ? { ...changes, inserted: [] } : changes;
}

async function load(tx: Tx, schema: string, memory: RowsInMemory): Promise<void> {
  const missing = memory.missing();
  const statements = missing.map(({ table, keys }) => loadStatement(schema, table, keys));
  const answers = await queryAll(
    tx,
    statements.map((statement) => ({ ...statement, rowMode: 'array' as const })),
  );
  for (const [index, { table }] of missing.entries()) {
    memory.loaded(table, rowsOf(table, (answers[index]?.rows ?? []) as readonly unknown[][]));
  }
}
