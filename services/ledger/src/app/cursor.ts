/**
 * Cursors are opaque to clients: the list that it is of and the key of the last row of a page, in base64url. In another
 * list the same key is another place or none, so there it is refused.
 */
import { hashOf } from './book-operation';

type Asked = { readonly cursor: string | null; readonly limit: number };

/** Names a list by its kind and by what says which rows it has. How long its pages are may change on the way. */
export function listOf(kind: string, { cursor: _cursor, limit: _limit, ...filters }: Asked): string {
  return hashOf({ kind, filters }).slice(0, 16);
}

export function cursorOf(list: string, key: string): string {
  return encoded(`${list} ${key}`);
}

/** The key, or undefined when the cursor is not one of this list. */
export function keyOf(list: string, cursor: string): string | undefined {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const key = text.slice(list.length + 1);
  const isOurs = text.startsWith(`${list} `) && key !== '' && !key.includes('\0');
  return isOurs && encoded(text) === cursor ? key : undefined;
}

function encoded(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}

const sequencePattern = /^(0|[1-9]\d{0,17})$/;

export function sequenceOf(list: string, cursor: string): bigint | undefined {
  const key = keyOf(list, cursor);
  return key !== undefined && sequencePattern.test(key) ? BigInt(key) : undefined;
}

/** `found` has one row more than the page when there is another page. `last` is then the page's last row. */
export function pageOf<Row>(found: readonly Row[], limit: number): { readonly rows: readonly Row[]; last: Row | null } {
  const rows = found.slice(0, limit);
  return { rows, last: found.length > limit ? (rows.at(-1) ?? null) : null };
}
