/** The statements that load and store the rows of a batch: one of each kind a table, with whole columns as values. */
import { assert } from '@daybook/core';
import { valuesArrays } from './binary-values';
import { forgetPrepared, type Sql } from './database';
import { columnTypes, type Column, type ColumnType, type ProjectionTable, type Value } from './projection-table';
import type { RawRow, TableChanges } from './projection-rows';

/** Rows as arrays, in the order of the table's columns; `rowsOf` turns them into what handlers see. */
export function loadStatement(schema: string, table: ProjectionTable, keys: readonly (readonly Value[])[]): Sql {
  const columns = table.key.map((name) => [name, typeOf(table, name)] as const);
  const rows = keys.map((key) => Object.fromEntries(table.key.map((name, index) => [name, key[index] ?? null])));
  return { text: textsOf(schema, table).load, values: valuesArrays(columns, rows) };
}

export function rowsOf(table: ProjectionTable, found: readonly (readonly unknown[])[]): RawRow[] {
  const columns = Object.entries(table.columns);
  return found.map((values) => {
    const row: RawRow = {};
    for (const [index, [name, { type }]] of columns.entries()) row[name] = valueOf(type, values[index]);
    return row;
  });
}

function valueOf(type: ColumnType, value: unknown): Value {
  if (value === null) return null;
  return type === 'bigint' || type === 'numeric' ? BigInt(value as string) : (value as Value);
}

/** In the order of their tables. */
export function changeStatements(schema: string, changes: readonly TableChanges[]): Sql[] {
  return changes.flatMap(({ table, inserted, changed }) => {
    const texts = textsOf(schema, table);
    const { columns, key } = table;
    const statements: Sql[] = [];
    if (inserted.length > 0) statements.push({ text: texts.insert, values: arraysOf(columns, inserted) });
    if (changed.length > 0) statements.push({ text: texts.update, values: arraysOf(changing(columns, key), changed) });
    return statements;
  });
}

type Columns = Readonly<Record<string, Column>>;

function arraysOf(columns: Columns, rows: readonly RawRow[]): Buffer[] {
  return valuesArrays(
    Object.entries(columns).map(([name, { type }]) => [name, type]),
    rows,
  );
}

/** The key, and what updates may change. */
function changing(columns: Columns, key: readonly string[]): Columns {
  return Object.fromEntries(Object.entries(columns).filter(([name, { fixed }]) => key.includes(name) || !fixed));
}

type Texts = { readonly load: string; readonly insert: string; readonly update: string };

const known = new Map<string, Map<ProjectionTable, Texts>>();

function textsOf(schema: string, table: ProjectionTable): Texts {
  let ofSchema = known.get(schema);
  if (ofSchema === undefined) known.set(schema, (ofSchema = new Map<ProjectionTable, Texts>()));
  let texts = ofSchema.get(table);
  if (texts === undefined) ofSchema.set(table, (texts = writeTexts(`${schema}.${table.name}`, table)));
  return texts;
}

/** Schemas come and go; their texts with them. */
export function forgetStatements(schema: string): void {
  for (const texts of known.get(schema)?.values() ?? []) forgetPrepared(Object.values(texts));
  known.delete(schema);
}

function writeTexts(name: string, { columns, key }: ProjectionTable): Texts {
  const names = Object.keys(columns);
  const arrays = (of: Columns) =>
    Object.values(of).map(({ type }, index) => `$${index + 1}::${columnTypes[type].array}`);
  const changed = changing(columns, key);
  const set = Object.keys(changed).filter((column) => !key.includes(column));
  const keyColumns = Object.fromEntries(key.map((column) => [column, columns[column]!]));
  return {
    load: `select ${names.map((column) => readAs(`t.${column}`, columns[column]!.type)).join(', ')}
             from unnest(${arrays(keyColumns).join(', ')}) as k (${key.join(', ')})
             join ${name} t using (${key.join(', ')})`,
    insert: `insert into ${name} (${names.join(', ')}) select * from unnest(${arrays(columns).join(', ')})`,
    update: `update ${name} t set ${set.map((column) => `${column} = u.${column}`).join(', ')}
               from unnest(${arrays(changed).join(', ')}) as u (${Object.keys(changed).join(', ')})
              where ${key.map((column) => `t.${column} = u.${column}`).join(' and ')}`,
  };
}

/** So that the driver hands out what handlers see; it would make dates of times and objects of JSON. */
function readAs(column: string, type: ColumnType): string {
  if (type === 'timestamptz') return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  return type === 'date' || type === 'jsonb' ? `${column}::text` : column;
}

function typeOf(table: ProjectionTable, column: string): ColumnType {
  const type = table.columns[column]?.type;
  assert(type, `${table.name} has no column ${column}`);
  return type;
}
