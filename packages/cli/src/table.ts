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

/** Control characters and the marks that turn the direction of text. */
const unprintable = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

export function printable(value: unknown): string {
  if (value === null || value === undefined) return '-';
  const text = typeof value === 'string' ? value : String(value);
  return text.replaceAll(unprintable, '?');
}

/** The value as JSON in lines, of which no text can move the cursor either. */
export function jsonText(value: unknown): string {
  const escaped = (character: string) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `${JSON.stringify(value, null, 2).replaceAll(unprintable, escaped)}\n`;
}
