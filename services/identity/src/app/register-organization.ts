import type { CallOutcome, CallRequest, registerOrganization } from '@daybook/contracts';
import { assert } from '@daybook/core';
import type { Clock } from '@daybook/runtime';
import type { Credentials } from './credentials';

export async function register(
  { credentials, now }: { readonly credentials: Credentials; readonly now: Clock },
  { tenantId, name }: CallRequest<typeof registerOrganization>,
): Promise<CallOutcome<typeof registerOrganization>> {
  const command = { type: 'RegisterOrganization', tenantId, name, at: now().toISOString() } as const;
  const outcome = await credentials.changeOrganization(tenantId, command);
  if (outcome.ok) return { ok: true, value: { tenantId } };
  assert(outcome.rejection !== 'organization_not_found', 'registering needs no organization');
  return { ok: false, rejection: outcome.rejection };
}
