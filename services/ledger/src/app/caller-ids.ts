/**
 * Ids that callers choose are one space in a book, since a reversal may name what anybody posted. What a tenant names
 * stands there under its own name, so that no tenant finds its ids taken by another's, nor learns that they are.
 */
const operators = 'ops';

/** The id in the book of what a caller names anew. */
export function newIdOf(tenantId: string | null, id: string): string {
  return `${tenantId ?? operators}/${id}`;
}

/** The id in the book of something to be changed: a tenant finds its own only, operators say it as it stands there. */
export function knownIdOf(tenantId: string | null, id: string): string {
  return tenantId === null ? id : `${tenantId}/${id}`;
}

/** The ids in the book of something to be read: a tenant's own first, then as it stands there. What is found may be others'. */
export function readIdsOf(tenantId: string | null, id: string): readonly string[] {
  return tenantId === null ? [id] : [newIdOf(tenantId, id), id];
}
