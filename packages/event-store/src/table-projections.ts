/**
 * Read models as tables and pure folds: the fast form of `projections.ts`. A batch of events costs one query a table to
 * load the rows it touches, a fold in memory, and one statement a table to store what changed, in the transaction that
 * moves the checkpoint. All tables of a group show the same moment; each event counts once.
 */
import { assert } from '@daybook/core';
import type { Logger, OnFatal } from '@daybook/runtime';
import type { Pool } from 'pg';
import type { EventCodec } from './codec';
import { queryAll, runAll, type Tx } from './database';
import type { EventStore, StoredEvent } from './event-store';
import { changeStatements, loadStatement, rowsOf } from './projection-statements';
import { rowsInMemory, type Rows, type RowsInMemory, type Wanted } from './projection-rows';
import type { ProjectionTable } from './projection-table';
import type { Projections } from './projections';
import { createSubscription } from './subscription';

type Typed = { readonly type: string };

export type TableProjection<Event extends Typed> = {
  readonly name: string;
  /** Bump when tables or handlers change meaning: the tables are then built anew. */
  readonly version: number;
  /** Those that its handlers insert into or change. They may look at the tables of projections before it. */
  readonly tables: readonly ProjectionTable[];
  /** Names the rows of `kept` tables that the handlers get, change or insert. Called for whole batches before the fold. */
  keys?(event: Event, place: StoredEvent, wanted: Wanted): void;
  readonly handlers: {
    readonly [Type in Event['type']]?: (
      event: Extract<Event, { readonly type: Type }>,
      place: StoredEvent,
      rows: Rows,
    ) => void;
  };
};

/** What tables are made of: the projections with their versions. */
export function versionsOf(projections: readonly { readonly name: string; readonly version: number }[]): string {
  return projections
    .map(({ name, version }) => `${name}@${version}`)
    .sort()
    .join(' ');
}

export function tablesOf(projections: readonly { readonly tables: readonly ProjectionTable[] }[]) {
  return projections.flatMap(({ tables }) => tables);
}

export type Fold<Event extends Typed> = {
  decode(events: readonly StoredEvent[]): readonly Event[];
  /** Names the rows that `fold` will touch. */
  want(events: readonly Event[], places: readonly StoredEvent[]): void;
  /** Changes rows in memory, event after event, projection after projection. */
  fold(events: readonly Event[], places: readonly StoredEvent[]): void;
};

/** The pure part. With rows that are not `stored`, `want` may be left out. */
export function createFold<Event extends Typed>(
  codec: EventCodec<Event>,
  projections: readonly TableProjection<Event>[],
  memory: Pick<RowsInMemory, 'rows' | 'wanted'>,
): Fold<Event> {
  type Handler = (event: Event, place: StoredEvent, rows: Rows) => void;
  const handlers = new Map<string, readonly Handler[]>();
  for (const type of codec.types) {
    const some = projections.flatMap(({ handlers: of }) => (of[type as Event['type']] as Handler | undefined) ?? []);
    handlers.set(type, some);
  }
  const askers = projections.filter(({ keys }) => keys !== undefined);
  const { rows, wanted } = memory;
  return {
    decode: (events) => events.map((stored) => codec.decode(stored)),
    want(events, places) {
      for (let index = 0; index < events.length; index++) {
        for (const asker of askers) asker.keys?.(events[index]!, places[index]!, wanted);
      }
    },
    fold(events, places) {
      for (let index = 0; index < events.length; index++) {
        const event = events[index]!;
        for (const handler of handlers.get(event.type) ?? []) handler(event, places[index]!, rows);
      }
    },
  };
}

/** A fold whose rows are the tables of a schema. */
export type StoredFold = {
  /** Decodes a batch ahead of its `apply`. */
  prepare(events: readonly StoredEvent[]): void;
  /** Loads, folds and stores within the transaction. After a failure, or when it does not commit, call `forget`. */
  apply(tx: Tx, events: readonly StoredEvent[]): Promise<void>;
  forget(): void;
};

/** Rows of a table that stay in memory between batches. */
const keepMaxDefault = 50_000;

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
  const { decode, want, fold } = createFold(codec, projections, memory);
  const prepared = new WeakMap<readonly StoredEvent[], readonly Event[]>();
  return {
    prepare: (events) => void prepared.set(events, decode(events)),
    async apply(tx, stored) {
      const events = prepared.get(stored) ?? decode(stored);
      want(events, stored);
      await load(tx, schema, memory);
      fold(events, stored);
      await runAll(tx, changeStatements(schema, memory.changes()));
      memory.settle();
    },
    forget: () => memory.clear(),
  };
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

/** More events share the cost of a batch and the rows that they touch; fewer are visible sooner. */
export const tableBatchSize = 10_000;

export function createTableProjections<Event extends Typed>(options: {
  readonly pool: Pool;
  readonly store: EventStore;
  readonly codec: EventCodec<Event>;
  /** Name of the group's checkpoint. */
  readonly name: string;
  /** Where the tables are. */
  readonly schema: string;
  readonly projections: readonly TableProjection<Event>[];
  readonly logger: Logger;
  readonly onFatal: OnFatal;
  readonly batchSize?: number;
  readonly keepMax?: number;
  /** The tables have been replaced by others: this runner has ended. */
  retired?(): void;
}): Projections {
  const { codec, schema, projections, keepMax, ...rest } = options;
  const { prepare, apply, forget } = createStoredFold({
    codec,
    schema,
    projections,
    ...(keepMax === undefined ? {} : { keepMax }),
  });
  return createSubscription({
    batchSize: tableBatchSize,
    ...rest,
    version: versionsOf(projections),
    prepare,
    forget,
    handle: apply,
  });
}
