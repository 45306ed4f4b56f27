/**
 * A tenant's own accounts have ids of the form `acct:<tenantId>:<name>` in the book. The tenant says and sees the bare
 * name; operators say and see full ids. Names begin with a lower-case letter, which ids of wallets never do, and not
 * with a prefix of the chart of accounts, so that a name and an id cannot be taken for each other.
 */
import { z } from 'zod';
import type { Credential } from '../../app/credential';

type Caller = Pick<Credential, 'tenantId' | 'scopes'>;

const namePattern =
  /^(?!(?:acct|clearing|merchant|held|refundable|suspense|custody|provider|institution|wallet|issuance):)[a-z][a-z0-9._:-]{0,99}$/;
const ownId = /^acct:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}):(.+)$/;

/** Anything that could name an account: a name of the caller's own, or an id. */
export const accountRef = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters without spaces');

export function isOperator({ scopes }: Pick<Caller, 'scopes'>): boolean {
  return scopes.includes('ops');
}

/** The id in the book of what the caller calls so. */
export function accountIdOf(caller: Caller, ref: string): string {
  return !isOperator(caller) && namePattern.test(ref) ? `acct:${caller.tenantId}:${ref}` : ref;
}

/** What the caller calls the account of this id. */
export function accountRefOf(caller: Caller, accountId: string): string {
  const prefix = `acct:${caller.tenantId}:`;
  return !isOperator(caller) && accountId.startsWith(prefix) ? accountId.slice(prefix.length) : accountId;
}

/** The tenant and the id of an account to be opened; undefined when nobody's own account can be called so. */
export function newAccountOf(caller: Caller, ref: string): { tenantId: string; accountId: string } | undefined {
  const accountId = accountIdOf(caller, ref);
  const [, tenantId, name] = ownId.exec(accountId) ?? [];
  if (tenantId === undefined || name === undefined || !namePattern.test(name)) return undefined;
  return isOperator(caller) || tenantId === caller.tenantId ? { tenantId, accountId } : undefined;
}
