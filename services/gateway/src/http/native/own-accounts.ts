/**
 * A tenant's own accounts have ids of the form `acct:<tenantId>:<name>` in the book. The tenant says and sees the bare
 * name; operators say and see full ids. Names begin with a lower-case letter, which ids of wallets never do, and not
 * with a prefix of the chart of accounts, so that a name and an id cannot be taken for each other.
 */
import { FailureError, type Failure } from '@daybook/http';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import { invalidField } from '../responses';

type Caller = Pick<Credential, 'tenantId' | 'scopes'>;

export const reservedPrefixes = [
  'acct:',
  'clearing:',
  'custody:',
  'held:',
  'institution:',
  'issuance:',
  'merchant:',
  'provider:',
  'refundable:',
  'suspense:',
  'wallet:',
] as const;
const namePattern = /^[a-z][a-z0-9._:-]{0,99}$/;
/** A UUID by RFC 9562, as every tenant has: neither of none nor of all bits. */
const ownId = /^acct:([0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}):(.+)$/;

/** Anything that could name an account: a name of the caller's own, or an id. */
export const accountRef = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters without spaces');

export function isOperator({ scopes }: Pick<Caller, 'scopes'>): boolean {
  return scopes.includes('ops');
}

/** The id in the book of what the caller calls so. */
export function accountIdOf(caller: Caller, ref: string): string {
  return !isOperator(caller) && nameProblem(ref) === undefined ? `acct:${caller.tenantId}:${ref}` : ref;
}

/** What the caller calls the account of this id. */
export function accountRefOf(caller: Caller, accountId: string): string {
  const prefix = `acct:${caller.tenantId}:`;
  return !isOperator(caller) && accountId.startsWith(prefix) ? accountId.slice(prefix.length) : accountId;
}

export const nameFailures = {
  malformed: invalidField(
    'name',
    'must begin with a lower-case letter and have at most 100 of a-z, 0-9, dot, dash, underscore and colon',
  ),
  notInFull: invalidField('name', 'must be said in full by an operator, as acct:<tenant id>:<name>'),
  reserved: (prefix: (typeof reservedPrefixes)[number]) =>
    invalidField('name', `must not begin with ${prefix} because that prefix is reserved`),
} as const;

/** Why no account of one's own can be called so. */
function nameProblem(name: string): Failure | undefined {
  const prefix = reservedPrefixes.find((each) => name.startsWith(each));
  if (prefix !== undefined) return nameFailures.reserved(prefix);
  return namePattern.test(name) ? undefined : nameFailures.malformed;
}

/** The tenant and the id of an account to be opened. Throws the failure that names the field. */
export function newAccountOf(caller: Caller, ref: string): { tenantId: string; accountId: string } {
  const accountId = accountIdOf(caller, ref);
  const [, tenantId, name = ''] = ownId.exec(accountId) ?? [];
  if (isOperator(caller) && tenantId === undefined) throw new FailureError(nameFailures.notInFull);
  const isTheirs = isOperator(caller) || tenantId === caller.tenantId;
  const problem = nameProblem(isTheirs ? name : ref);
  if (problem !== undefined || tenantId === undefined) throw new FailureError(problem ?? nameFailures.malformed);
  return { tenantId, accountId };
}
