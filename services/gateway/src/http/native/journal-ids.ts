/**
 * Ids of transactions and holds. In the journal what a tenant named stands as `<tenantId>/<id>`; the tenant says and
 * sees its own id, and others' as they stand there. Operators say and see all as they stand there.
 */
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import { wholeNumber } from './ledger-fields';
import { isOperator } from './own-accounts';

type Caller = Pick<Credential, 'tenantId' | 'scopes'>;

/** Nothing stands in the journal under a longer id. Longer than a key: what a caller named stands there with its owner. */
const idLengthMax = 300;

/** An id that a path or a filter can name. */
export const journalId = z
  .string()
  .regex(new RegExp(`^[\\x21-\\x7e]{1,${idLengthMax}}$`), `must be 1 to ${idLengthMax} printable ASCII characters`);

/** A key may be an id that the system gave out, or gives out later, and is then the id of two transactions. */
export const sequenceMeant = wholeNumber.optional().meta({
  description:
    'Of the transaction that is meant, where the id is of two: a key of yours, and an id that Daybook gave out. ' +
    'Without it your own is.',
  override: { type: 'integer', minimum: 0 },
});

/** What the caller calls it. */
export function shownId({ tenantId, scopes }: Caller, id: string): string {
  const prefix = `${tenantId}/`;
  return !isOperator({ scopes }) && id.startsWith(prefix) ? id.slice(prefix.length) : id;
}

/** What is new, as lists show it. */
export function newIdShown(caller: Caller, id: string): string {
  return isOperator(caller) ? `ops/${id}` : id;
}

/** What it may stand as in the journal, the caller's own first. */
export function journalIdsOf(caller: Caller, id: string): readonly [string, ...string[]] {
  const own = `${caller.tenantId}/${id}`;
  return isOperator(caller) || own.length > idLengthMax ? [id] : [own, id];
}
