/**
 * The tables of projections as data, so that the same table can be made in any schema, and so that whoever checks or
 * compares read models can enumerate them. Text is ordered by bytes everywhere.
 *
 *   column type   value in a handler's row
 *   text, uuid, jsonb   string; jsonb is its JSON text
 *   timestamptz, date   string, ISO 8601 in UTC: 2026-01-31T12:00:00.000Z, 2026-01-31
 *   integer             number
 *   bigint, numeric     bigint; numeric holds whole numbers of any size
 *   boolean             boolean
 */
import { assert } from '@daybook/core';

export const columnTypes = {
  text: { sql: 'text collate "C"', array: 'text[]', oid: 25 },
  uuid: { sql: 'uuid', array: 'uuid[]', oid: 2950 },
  integer: { sql: 'integer', array: 'integer[]', oid: 23 },
  bigint: { sql: 'bigint', array: 'bigint[]', oid: 20 },
  numeric: { sql: 'numeric', array: 'numeric[]', oid: 1700 },
  boolean: { sql: 'boolean', array: 'boolean[]', oid: 16 },
  timestamptz: { sql: 'timestamptz(3)', array: 'timestamptz[]', oid: 1184 },
  date: { sql: 'date', array: 'date[]', oid: 1082 },
  jsonb: { sql: 'jsonb', array: 'jsonb[]', oid: 3802 },
} as const;
export type ColumnType = keyof typeof columnTypes;

export type Column = {
  readonly type: ColumnType;
  readonly nullable?: true;
  /** Never changed once the row is inserted: updates leave it out. */
  readonly fixed?: true;
  /** A condition in SQL that every row meets. */
  readonly check?: string;
};

export type TableIndex = {
  /** The table's name and an underscore come before it. */
  readonly name: string;
  /** Columns, or expressions in SQL. */
  readonly on: readonly string[];
  readonly unique?: true;
  readonly using?: 'btree' | 'gist' | 'gin' | 'brin';
  readonly where?: string;
};

export type ProjectionTable<Columns extends Readonly<Record<string, Column>> = Readonly<Record<string, Column>>> = {
  /** Unique among the tables of a group; ends in the version of its meaning, such as `accounts_v1`. */
  readonly name: string;
  /**
   * `kept`: handlers read and change rows that they have asked for by key.
   * `appended`: handlers only insert, nothing is ever read back.
   */
  readonly kind: 'kept' | 'appended';
  readonly columns: Columns;
  /** Names of columns. */
  readonly key: readonly string[];
  readonly indexes?: readonly TableIndex[];
  /** Percent of a page that inserts fill; less leaves room for updates in place. */
  readonly fillfactor?: number;
  /**
   * Which rows others than the owner may read: a condition in SQL, for row-level security. They still need the right to
   * use a schema that shows the table. Without it nobody else reads anything.
   */
  readonly readers?: string;
};

type ValueOf<Type extends ColumnType> = Type extends 'integer'
  ? number
  : Type extends 'bigint' | 'numeric'
    ? bigint
    : Type extends 'boolean'
      ? boolean
      : string;

/** A row as handlers see it. */
export type RowOf<Table extends ProjectionTable> = {
  -readonly [Name in keyof Table['columns']]:
    | ValueOf<Table['columns'][Name]['type']>
    | (Table['columns'][Name] extends { readonly nullable: true } ? null : never);
};

export type Value = string | number | bigint | boolean | null;

export function defineTable<const Columns extends Readonly<Record<string, Column>>>(
  table: ProjectionTable<Columns> & { readonly key: readonly (keyof Columns & string)[] },
): ProjectionTable<Columns> {
  const names = [table.name, ...Object.keys(table.columns), ...(table.indexes ?? []).map(({ name }) => name)];
  for (const name of names) assert(/^[a-z][a-z0-9_]*$/.test(name), `${table.name}: ${name} is not a plain name`);
  assert(table.key.length > 0, `${table.name} has no key`);
  for (const name of table.key) {
    const column = table.columns[name];
    assert(column !== undefined && column.nullable === undefined, `${table.name}: ${name} cannot be part of a key`);
  }
  return table;
}

/** The statement that makes the table in a schema, without its further indexes. */
export function createTableSql(schema: string, table: ProjectionTable): string {
  const columns = Object.entries(table.columns).map(([name, { type, nullable, check }]) => {
    const constraint = check === undefined ? '' : ` check (${check})`;
    return `${name} ${columnTypes[type].sql}${nullable ? '' : ' not null'}${constraint}`;
  });
  const filled = table.fillfactor === undefined ? '' : ` with (fillfactor = ${table.fillfactor})`;
  const lines = [...columns, `primary key (${table.key.join(', ')})`];
  return `create table ${schema}.${table.name} (\n  ${lines.join(',\n  ')}\n)${filled}`;
}

/** The statements that make its further indexes and let its readers in. They may be repeated. */
export function createIndexesSql(schema: string, table: ProjectionTable): readonly string[] {
  const indexes = (table.indexes ?? []).map(({ name, on, unique, using, where }) => {
    const kind = unique ? 'unique index' : 'index';
    const condition = where === undefined ? '' : ` where ${where}`;
    return `create ${kind} if not exists ${table.name}_${name} on ${schema}.${table.name} using ${using ?? 'btree'} (${on.join(', ')})${condition}`;
  });
  return [...indexes, ...readersSql(schema, table)];
}

/** Everyone may try to read; whoever does not own the table sees the rows of the condition. */
function readersSql(schema: string, { name: table, readers }: ProjectionTable): readonly string[] {
  if (readers === undefined) return [];
  const name = `${schema}.${table}`;
  return [
    `alter table ${name} enable row level security`,
    `drop policy if exists readers on ${name}`,
    `create policy readers on ${name} for select using (${readers})`,
    `grant select on ${name} to public`,
  ];
}
