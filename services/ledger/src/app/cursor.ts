/** Cursors are opaque to clients: the key of the last row of a page, in base64url. */
export function cursorOf(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64url');
}

/** The key, or undefined when the cursor is not one of ours. */
export function keyOf(cursor: string): string | undefined {
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  return key !== '' && !key.includes('\0') && cursorOf(key) === cursor ? key : undefined;
}

const sequencePattern = /^(0|[1-9]\d{0,17})$/;

export function sequenceOf(cursor: string): bigint | undefined {
  const key = keyOf(cursor);
  return key !== undefined && sequencePattern.test(key) ? BigInt(key) : undefined;
}

/** `found` has one row more than the page when there is another page. `last` is then the page's last row. */
export function pageOf<Row>(found: readonly Row[], limit: number): { readonly rows: readonly Row[]; last: Row | null } {
  const rows = found.slice(0, limit);
  return { rows, last: found.length > limit ? (rows.at(-1) ?? null) : null };
}
