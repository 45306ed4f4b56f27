export type Column<Row> = { readonly title: string; readonly right?: true; of(row: Row): unknown };

/** Lines of text in columns, for people. Text from elsewhere cannot move the cursor. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map(({ of }) => printable(of(row))));
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...cells.map((line) => line[index]!.length)));
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => (columns[index]!.right ? text.padStart(widths[index]!) : text.padEnd(widths[index]!)))
      .join('  ')
      .trimEnd();
  return [columns.map(({ title }) => title), ...cells].map((texts) => `${line(texts)}\n`).join('');
}

export function printable(value: unknown): string {
  if (value === null || value === undefined) return '-';
  const text = typeof value === 'string' ? value : String(value);
  // Control characters and the marks that turn the direction of text.
  return text.replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '?');
}
