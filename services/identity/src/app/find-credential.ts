import type { CallOutcome, CallRequest, findCredential } from '@daybook/contracts';
import type { Credentials } from './credentials';
import { apiKeyId } from './issue-credential';

/** Reads the credential's stream, so what was just issued, restricted or revoked is seen. */
export async function find(
  { credentials }: { readonly credentials: Credentials },
  request: CallRequest<typeof findCredential>,
): Promise<CallOutcome<typeof findCredential>> {
  const credentialId = 'credentialId' in request ? request.credentialId : apiKeyId(request.secretDigest);
  const found = await credentials.find(credentialId);
  if (found.status !== 'active') return { ok: false, rejection: 'credential_not_found' };
  const { tenantId, kind, mode, scopes, secretDigest, walletId, userNumber, ipAllowList, issuedAt } = found;
  return {
    ok: true,
    value: {
      credentialId,
      tenantId,
      kind,
      mode,
      scopes: [...scopes],
      secretDigest,
      walletId,
      userNumber,
      ipAllowList: [...ipAllowList],
      issuedAt,
    },
  };
}
