/**
 * identity.credentials into credentials_v1, and out of the cache. Events of one credential arrive in order; each is
 * applied once (the inbox). Other gateway processes learn of a change when their cache entry ends.
 */
import { credentialIssued, credentialRestricted, credentialRevoked } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import type { CredentialCache } from '../app/credential-cache';
import { insertCredential, restrictCredential, revokeCredential } from '../projections/credentials';

export function identityCredentials(cache: Pick<CredentialCache, 'invalidate'>): Subscription {
  return {
    group: 'gateway.credentials',
    topic: credentialIssued.topic,
    handlers: [
      on(credentialIssued, async (tx, { data }) => cache.invalidate(await insertCredential(tx, data))),
      on(credentialRestricted, async (tx, { data }) => cache.invalidate(await restrictCredential(tx, data))),
      on(credentialRevoked, async (tx, { data }) => cache.invalidate(await revokeCredential(tx, data))),
    ],
  };
}
