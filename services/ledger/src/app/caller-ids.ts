/**
 * Ids that callers choose are one space in a book, since a reversal may name what anybody posted. What a tenant names
 * stands there under its own name, so that no tenant finds its ids taken by another's, nor learns that they are.
 */
const operators = 'ops';

/** The id in the book of what a caller names anew. */
export function newIdOf(tenantId: string | null, id: string): string {
  return `${tenantId ?? operators}/${id}`;
}

/** The id in the book of something that is there: a tenant finds its own only, operators say it as it stands there. */
export function knownIdOf(tenantId: string | null, id: string): string {
  return tenantId === null ? id : `${tenantId}/${id}`;
}
