/**
 * identity.credentials: what verifiers need to know of credentials. Source: this service's store, by the relay, in its
 * order. Carries digests only; logins and sealed keys stay here.
 */
import { credentialIssued, credentialRestricted, credentialRevoked } from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { messageOf, type OutgoingMessage } from '@daybook/messaging';
import { credentialCodec } from './stored-events';

export function publishedEvents(stored: StoredEvent): readonly OutgoingMessage[] {
  if (!(credentialCodec.types as readonly string[]).includes(stored.type)) return [];
  const event = credentialCodec.decode(stored);
  const { credentialId } = event;
  switch (event.type) {
    case 'CredentialIssued': {
      const { tenantId, kind, mode, scopes, secretDigest, walletId, userNumber, ipAllowList, at } = event;
      const data = {
        credentialId,
        tenantId,
        kind,
        mode,
        scopes: [...scopes],
        secretDigest,
        walletId,
        userNumber,
        ipAllowList: [...ipAllowList],
        issuedAt: at,
      };
      return [messageOf(credentialIssued, data, stored)];
    }
    case 'CredentialRestricted': {
      const data = { credentialId, ipAllowList: [...event.ipAllowList], restrictedAt: event.at };
      return [messageOf(credentialRestricted, data, stored)];
    }
    case 'CredentialRevoked':
      return [messageOf(credentialRevoked, { credentialId, revokedAt: event.at }, stored)];
  }
}
