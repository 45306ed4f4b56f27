/**
 * The rows that a batch of events reads and writes, in memory. Rows of `kept` tables are loaded by key before the fold and
 * may stay from batch to batch; rows of `appended` tables are only collected. Nothing here talks to the database.
 */
import { assert, AssertionError } from '@daybook/core';
import type { ProjectionTable, RowOf, Value } from './projection-table';

export type RawRow = Record<string, Value>;

/** What handlers do to rows. Keys are given as the values of the table's key columns, in their order. */
export type Rows = {
  /** To look at only. Undefined when there is none. Throws when nobody has asked for the key. */
  get<Table extends ProjectionTable>(table: Table, ...key: readonly Value[]): Readonly<RowOf<Table>> | undefined;
  /** To change in place. Throws when there is none. */
  change<Table extends ProjectionTable>(table: Table, ...key: readonly Value[]): RowOf<Table>;
  /** Throws when the row is there already, in memory; in the database its key is refused. */
  insert<Table extends ProjectionTable>(table: Table, row: RowOf<Table>): RowOf<Table>;
};

/** How a projection says which rows of `kept` tables its handlers will get, change or insert. */
export type Wanted = {
  row(table: ProjectionTable, ...key: readonly Value[]): void;
  /** A row that the handlers insert and that cannot be there yet: it spares loading. */
  newRow(table: ProjectionTable, ...key: readonly Value[]): void;
};

export type TableChanges = {
  readonly table: ProjectionTable;
  readonly inserted: readonly RawRow[];
  readonly changed: readonly RawRow[];
};

export type RowsInMemory = {
  readonly rows: Rows;
  readonly wanted: Wanted;
  /** The keys wanted and not in memory, by table. Each has to be answered by `loaded` before the fold. */
  missing(): readonly { readonly table: ProjectionTable; readonly keys: readonly (readonly Value[])[] }[];
  /** Whether nothing is missing. */
  complete(): boolean;
  /** The rows found for what was missing; for the other keys there is none. */
  loaded(table: ProjectionTable, found: readonly RawRow[]): void;
  /** What the fold did since the last call of `settle`. Its rows of `kept` tables change with the next fold. */
  changes(): readonly TableChanges[];
  /** What was changed is stored, or will be before anything that follows. Rows not used for long are forgotten. */
  settle(): void;
  /** Forgets everything: what is stored may be something else. */
  clear(): void;
  /** Every row of a `kept` table that is in memory. */
  all<Table extends ProjectionTable>(table: Table): IterableIterator<Readonly<RowOf<Table>>>;
};

/**
 * `keepMax` rows of each table stay in memory between batches, at most twice as many. With `stored: false` there is
 * nothing to load: a key that is not in memory has no row, and nothing is ever forgotten.
 */
export function rowsInMemory(
  tables: readonly ProjectionTable[],
  { keepMax = 0, stored = true }: { readonly keepMax?: number; readonly stored?: boolean } = {},
): RowsInMemory {
  const kept = new Map<ProjectionTable, KeptRows>();
  const appended = new Map<ProjectionTable, RawRow[]>();
  for (const table of tables) {
    if (table.kind === 'kept') kept.set(table, keptRows(table, { keepMax, stored }));
    else appended.set(table, []);
  }
  const keptOf = (table: ProjectionTable): KeptRows => {
    const found = kept.get(table);
    if (found === undefined) throw new AssertionError(`${table.name} is not a table whose rows can be asked for`);
    return found;
  };
  const insert = (table: ProjectionTable, row: RawRow): RawRow => {
    const list = appended.get(table);
    if (list === undefined) keptOf(table).insert(row);
    else list.push(row);
    return row;
  };
  return {
    rows: {
      get: (table, ...key) => keptOf(table).get(key),
      change: (table, ...key) => keptOf(table).change(key),
      insert,
    } as Rows,
    wanted: {
      row: (table, ...key) => keptOf(table).want(key, false),
      newRow: (table, ...key) => keptOf(table).want(key, true),
    },
    missing: () => [...kept].map(([table, rows]) => ({ table, keys: rows.missing() })).filter(hasKeys),
    complete() {
      for (const rows of kept.values()) if (!rows.complete()) return false;
      return true;
    },
    loaded: (table, found) => keptOf(table).loaded(found),
    changes: () => [
      ...[...kept].map(([table, rows]) => ({ table, ...rows.changes() })),
      ...[...appended].map(([table, inserted]) => ({ table, inserted, changed: [] })),
    ],
    settle() {
      for (const rows of kept.values()) rows.settle();
      for (const table of appended.keys()) appended.set(table, []);
    },
    clear() {
      for (const rows of kept.values()) rows.clear();
      for (const table of appended.keys()) appended.set(table, []);
    },
    all: (table) => keptOf(table).all() as IterableIterator<Readonly<RowOf<typeof table>>>,
  };
}

function hasKeys({ keys }: { readonly keys: readonly unknown[] }): boolean {
  return keys.length > 0;
}

type Slot = {
  readonly key: readonly Value[];
  /** Null when there is none. Undefined until it is known. */
  row: RawRow | null | undefined;
  state: 'stored' | 'inserted' | 'changed';
};

type KeptRows = ReturnType<typeof keptRows>;

/** Two maps take turns: what is used moves to the younger one, and when that is full the older one is dropped. */
function slotMap(keepMax: number) {
  let young = slotsByKey();
  let old = slotsByKey();
  return {
    get(key: readonly Value[]): Slot | undefined {
      const slot = young.get(key);
      if (slot !== undefined || old.size() === 0) return slot;
      const older = old.get(key);
      if (older !== undefined) young.set(older);
      return older;
    },
    add(key: readonly Value[], row: null | undefined): Slot {
      const slot: Slot = { key, row, state: 'stored' };
      young.set(slot);
      return slot;
    },
    age(): void {
      if (young.size() <= keepMax) return;
      old = keepMax === 0 ? slotsByKey() : young;
      young = slotsByKey();
    },
    clear(): void {
      young = slotsByKey();
      old = slotsByKey();
    },
    *rows(): IterableIterator<RawRow> {
      for (const { row } of young.all()) if (row) yield row;
      for (const { key, row } of old.all()) if (row && young.get(key) === undefined) yield row;
    },
  };
}

/**
 * A map for each first value of a key, in which the rest of it is looked up: the last value as it is, which spares making
 * and hashing a new text for every look. Few first values are expected of keys that have more than one.
 */
function slotsByKey() {
  const maps = new Map<Value, Map<Value, Slot>>();
  let size = 0;
  let known: { readonly first: Value; readonly map: Map<Value, Slot> } | undefined;
  const mapOf = (first: Value): Map<Value, Slot> => {
    if (known?.first === first) return known.map;
    let map = maps.get(first);
    if (map === undefined) maps.set(first, (map = new Map<Value, Slot>()));
    known = { first, map };
    return map;
  };
  const mapFor = (key: readonly Value[]) => mapOf(key.length === 1 ? null : key[0]!);
  return {
    size: () => size,
    get: (key: readonly Value[]) => mapFor(key).get(restOf(key)),
    set(slot: Slot): void {
      mapFor(slot.key).set(restOf(slot.key), slot);
      size += 1;
    },
    *all(): IterableIterator<Slot> {
      for (const map of maps.values()) yield* map.values();
    },
  };
}

/** Values of keys hold no NUL: Postgres' text cannot. */
function restOf(key: readonly Value[]): Value {
  return key.length <= 2 ? key[key.length - 1]! : key.slice(1).join('\0');
}

/** A text in memory of its own: it may be a piece of a much longer one, which a kept key would keep. */
function ownValue(value: Value): Value {
  return typeof value === 'string' && value.length > 12 ? Buffer.from(value).toString() : value;
}

function keptRows(table: ProjectionTable, { keepMax, stored }: { keepMax: number; stored: boolean }) {
  const slots = slotMap(keepMax);
  let missing: Slot[] = [];
  let touched: Slot[] = [];

  const known = (key: readonly Value[]): Slot => {
    const slot = slots.get(key);
    if (slot?.row !== undefined) return slot;
    assert(!stored, `nobody asked for ${table.name} ${key.join()}`);
    return slots.add(key, null);
  };
  return {
    want(key: readonly Value[], isNew: boolean): void {
      if (slots.get(key) !== undefined) return;
      const slot = slots.add(key.map(ownValue), isNew || !stored ? null : undefined);
      if (slot.row === undefined) missing.push(slot);
    },
    missing: () => missing.map(({ key }) => key),
    complete: () => missing.length === 0,
    loaded(found: readonly RawRow[]): void {
      const rows = new Map(found.map((row) => [idOf(table.key.map((column) => row[column]!)), row]));
      for (const slot of missing) slot.row = rows.get(idOf(slot.key)) ?? null;
      missing = [];
    },
    get: (key: readonly Value[]): RawRow | undefined => known(key).row ?? undefined,
    change(key: readonly Value[]): RawRow {
      const slot = known(key);
      if (!slot.row) throw new AssertionError(`${table.name} has no row ${key.join()} to change`);
      if (slot.state === 'stored') {
        slot.state = 'changed';
        touched.push(slot);
      }
      return slot.row;
    },
    insert(row: RawRow): void {
      const slot = known(table.key.map((column) => row[column]!));
      if (slot.row !== null) throw new AssertionError(`${table.name} has a row ${slot.key.join()} already`);
      slot.row = row;
      slot.state = 'inserted';
      touched.push(slot);
    },
    changes() {
      const inserted: RawRow[] = [];
      const changed: RawRow[] = [];
      for (const { row, state } of touched) (state === 'inserted' ? inserted : changed).push(row!);
      return { inserted, changed };
    },
    settle(): void {
      for (const slot of touched) slot.state = 'stored';
      touched = [];
      if (stored) slots.age();
    },
    clear(): void {
      slots.clear();
      missing = [];
      touched = [];
    },
    all: () => slots.rows(),
  };
}

/** Values of keys hold no NUL: Postgres' text cannot. */
function idOf(key: readonly Value[]): string {
  switch (key.length) {
    case 1:
      return String(key[0]);
    case 2:
      return `${key[0]}\0${key[1]}`;
    default:
      return key.join('\0');
  }
}
