/**
 * The rows that a batch of events reads and writes, in memory. Rows of `kept` tables are loaded by key before the fold and
 * may stay from batch to batch; rows of `appended` tables are only collected. Nothing here talks to the database.
 */
import { assert } from '@daybook/core';
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
  /** The rows found for what was missing; for the other keys there is none. */
  loaded(table: ProjectionTable, found: readonly RawRow[]): void;
  /** What the fold did since the last call of `settle`. */
  changes(): readonly TableChanges[];
  /** What was changed is stored. Rows not used for long are forgotten. */
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
    assert(found, `${table.name} is not a table whose rows can be asked for`);
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
  let young = new Map<string, Slot>();
  let old = new Map<string, Slot>();
  return {
    get(id: string): Slot | undefined {
      const slot = young.get(id);
      if (slot !== undefined) return slot;
      const older = old.get(id);
      if (older !== undefined) young.set(id, older);
      return older;
    },
    add(id: string, key: readonly Value[], row: null | undefined): Slot {
      const slot: Slot = { key, row, state: 'stored' };
      young.set(id, slot);
      return slot;
    },
    age(): void {
      if (young.size <= keepMax) return;
      old = keepMax === 0 ? new Map<string, Slot>() : young;
      young = new Map();
    },
    clear(): void {
      young = new Map();
      old = new Map();
    },
    *rows(): IterableIterator<RawRow> {
      for (const { row } of young.values()) if (row) yield row;
      for (const [id, { row }] of old) if (row && !young.has(id)) yield row;
    },
  };
}

function keptRows(table: ProjectionTable, { keepMax, stored }: { keepMax: number; stored: boolean }) {
  const slots = slotMap(keepMax);
  let missing: Slot[] = [];
  let touched: Slot[] = [];

  const known = (key: readonly Value[]): Slot => {
    const id = idOf(key);
    const slot = slots.get(id);
    if (slot?.row !== undefined) return slot;
    assert(!stored, `nobody asked for ${table.name} ${key.join()}`);
    return slots.add(id, key, null);
  };
  return {
    want(key: readonly Value[], isNew: boolean): void {
      const id = idOf(key);
      if (slots.get(id) !== undefined) return;
      const slot = slots.add(id, key, isNew || !stored ? null : undefined);
      if (slot.row === undefined) missing.push(slot);
    },
    missing: () => missing.map(({ key }) => key),
    loaded(found: readonly RawRow[]): void {
      const rows = new Map(found.map((row) => [idOf(table.key.map((column) => row[column]!)), row]));
      for (const slot of missing) slot.row = rows.get(idOf(slot.key)) ?? null;
      missing = [];
    },
    get: (key: readonly Value[]): RawRow | undefined => known(key).row ?? undefined,
    change(key: readonly Value[]): RawRow {
      const slot = known(key);
      assert(slot.row, `${table.name} has no row ${key.join()} to change`);
      if (slot.state === 'stored') {
        slot.state = 'changed';
        touched.push(slot);
      }
      return slot.row;
    },
    insert(row: RawRow): void {
      const slot = known(table.key.map((column) => row[column]!));
      assert(slot.row === null, `${table.name} has a row ${slot.key.join()} already`);
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
