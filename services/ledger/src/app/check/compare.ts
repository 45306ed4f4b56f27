/** Rows that the journal says there are against rows that are there: each difference by table, key and column. */
import type { CheckedRow, Difference, Findings } from './findings';

export type RowShape = {
  readonly table: string;
  readonly key: readonly string[];
  /** All that is compared, the key included. */
  readonly columns: readonly string[];
};

export function keyOf({ key }: Pick<RowShape, 'key'>, row: CheckedRow): string {
  return JSON.stringify(key.map((column) => row[column]));
}

function namedKey({ key }: RowShape, row: CheckedRow): CheckedRow {
  return Object.fromEntries(key.map((column) => [column, row[column] ?? null]));
}

/** Compares one pair. */
export function compareRow(
  shape: RowShape,
  mode: string,
  expected: CheckedRow,
  actual: CheckedRow | undefined,
  into: Findings<Difference>,
): void {
  const key = namedKey(shape, expected);
  if (actual === undefined) {
    into.add({ mode, key, problem: 'missing', column: null, expected, actual: null });
    return;
  }
  for (const column of shape.columns) {
    const [wanted, found] = [expected[column] ?? null, actual[column] ?? null];
    if (wanted !== found) into.add({ mode, key, problem: 'different', column, expected: wanted, actual: found });
  }
}

export function unexpectedRow(shape: RowShape, mode: string, actual: CheckedRow, into: Findings<Difference>): void {
  into.add({ mode, key: namedKey(shape, actual), problem: 'unexpected', column: null, expected: null, actual });
}

/** Compares two sets of rows that belong together. A table without its primary key may have several rows of one key. */
export function compareRows(
  shape: RowShape,
  mode: string,
  { expected, actual }: { readonly expected: readonly CheckedRow[]; readonly actual: readonly CheckedRow[] },
  into: Findings<Difference>,
): void {
  const found = new Map<string, CheckedRow>();
  for (const row of actual) {
    const key = keyOf(shape, row);
    if (found.has(key)) unexpectedRow(shape, mode, row, into);
    else found.set(key, row);
  }
  for (const row of expected) {
    const key = keyOf(shape, row);
    compareRow(shape, mode, row, found.get(key), into);
    found.delete(key);
  }
  for (const row of found.values()) unexpectedRow(shape, mode, row, into);
}
