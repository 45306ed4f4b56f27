import type { CallOutcome, CallRequest, registerOrganization } from '@daybook/contracts';
import type { Clock } from '@daybook/runtime';
import type { Credentials } from './credentials';

export async function register(
  { credentials, now }: { readonly credentials: Credentials; readonly now: Clock },
  { tenantId, name }: CallRequest<typeof registerOrganization>,
): Promise<CallOutcome<typeof registerOrganization>> {
  const command = { type: 'RegisterOrganization', tenantId, name, at: now().toISOString() } as const;
  const outcome = await credentials.changeOrganization(tenantId, command);
  return outcome.ok ? { ok: true, value: { tenantId } } : { ok: false, rejection: outcome.rejection };
}
