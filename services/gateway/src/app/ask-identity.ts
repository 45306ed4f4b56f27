import { findCredential, type CallRequest } from '@daybook/contracts';
import type { Ask } from '../ports';
import type { Credential, CredentialLookup } from './credential';

/**
 * Messages tell of a credential some time after it was issued. Until then identity is asked, so that it works at once.
 * When identity does not answer, the lookup throws: a credential that may be right is not refused.
 */
export function orAskIdentity(told: CredentialLookup, identity: Ask): CredentialLookup {
  async function ask(request: CallRequest<typeof findCredential>): Promise<Credential | undefined> {
    const outcome = await identity(findCredential, request);
    if (!outcome.ok) return undefined;
    const { issuedAt: _, ...credential } = outcome.value;
    return { ...credential, revoked: false };
  }
  return {
    byId: async (credentialId) => (await told.byId(credentialId)) ?? ask({ credentialId }),
    byKeyDigest: async (secretDigest) => (await told.byKeyDigest(secretDigest)) ?? ask({ secretDigest }),
  };
}
