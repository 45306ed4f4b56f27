import type { CallOutcome, CallRequest, restrictCredential, revokeCredential } from '@daybook/contracts';
import { assert } from '@daybook/core';
import type { Clock } from '@daybook/runtime';
import type { Credentials } from './credentials';

type Deps = { readonly credentials: Credentials; readonly now: Clock };

export async function restrict(
  { credentials, now }: Deps,
  { tenantId, credentialId, ipAllowList }: CallRequest<typeof restrictCredential>,
): Promise<CallOutcome<typeof restrictCredential>> {
  const command = { type: 'RestrictCredential', tenantId, ipAllowList, at: now().toISOString() } as const;
  const outcome = await credentials.change(credentialId, command);
  return outcome.ok ? { ok: true, value: {} } : { ok: false, rejection: outcome.rejection };
}

/** Also frees the name of a login. A repeat finishes what an interrupted revocation left. */
export async function revoke(
  { credentials, now }: Deps,
  { tenantId, credentialId }: CallRequest<typeof revokeCredential>,
): Promise<CallOutcome<typeof revokeCredential>> {
  const at = now().toISOString();
  const outcome = await credentials.change(credentialId, { type: 'RevokeCredential', tenantId, at });
  if (!outcome.ok) {
    assert(outcome.rejection === 'credential_not_found', `revoking was refused: ${outcome.rejection}`);
    return { ok: false, rejection: outcome.rejection };
  }
  const digest = outcome.state.status === 'none' ? undefined : outcome.state.login?.digest;
  if (digest !== undefined) await credentials.changeLoginName(digest, { type: 'ReleaseLoginName', credentialId, at });
  return { ok: true, value: {} };
}
