import type { ColumnType, ProjectionTable } from '@daybook/event-store';

/** Another value than the column has, in SQL, by the type of the column. */
export function mutated(column: string, type: ColumnType): string {
  switch (type) {
    case 'text':
      return `coalesce(${column}, '') || 'x'`;
    case 'uuid':
      return `'99999999-9999-4999-8999-999999999999'::uuid`;
    case 'integer':
    case 'bigint':
    case 'numeric':
      return `coalesce(${column}, 0) + 1000`;
    case 'boolean':
      return `not coalesce(${column}, false)`;
    case 'timestamptz':
      return `coalesce(${column}, now()) + interval '1 second'`;
    case 'date':
      return `coalesce(${column}, current_date) + 1`;
    case 'jsonb':
      return `'{"altered":"yes"}'::jsonb`;
  }
}

/** The column as the report writes it. */
export function textOf(column: string, type: ColumnType): string {
  if (type === 'timestamptz') return `to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${column}`;
  // As canonical JSON has it; the test's objects have one key, or two in order.
  if (type === 'jsonb') return `replace(replace(${column}::text, ': ', ':'), ', ', ',') as ${column}`;
  return `${column}::text`;
}

export function columnTypesOf(table: ProjectionTable, column: string): ColumnType {
  return table.columns[column]!.type;
}
