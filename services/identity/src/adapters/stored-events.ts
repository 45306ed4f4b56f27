import { credentialKinds, mode, scopes, tenantId, timestamp } from '@daybook/contracts';
import { defineStoredEvents } from '@daybook/event-store';
import { z } from 'zod';

export const organizationCodec = defineStoredEvents({
  OrganizationRegistered: { version: 1, data: z.object({ tenantId, name: z.string(), at: timestamp }) },
  UserNumbered: {
    version: 1,
    data: z.object({ credentialId: z.string(), number: z.number().int().positive(), at: timestamp }),
  },
});

const credentialId = z.string();
const ipAllowList = z.array(z.string()).readonly();

export const credentialCodec = defineStoredEvents({
  CredentialIssued: {
    version: 2,
    // Of the first version nobody had a number.
    upcast: { 1: (data: unknown) => ({ ...(data as object), userNumber: null }) },
    data: z.object({
      credentialId,
      tenantId,
      kind: z.enum(credentialKinds),
      mode,
      scopes: z.array(z.enum(scopes)).readonly(),
      walletId: z.string().nullable(),
      userNumber: z.number().int().positive().nullable(),
      ipAllowList,
      secretDigest: z.string().nullable(),
      sealedSigningSecret: z.string().nullable(),
      login: z
        .object({ digest: z.string(), encryptedName: z.string(), passwordHash: z.string() })
        .readonly()
        .nullable(),
      at: timestamp,
    }),
  },
  CredentialRestricted: { version: 1, data: z.object({ credentialId, ipAllowList, at: timestamp }) },
  CredentialRevoked: { version: 1, data: z.object({ credentialId, at: timestamp }) },
});

export const loginNameCodec = defineStoredEvents({
  LoginNameClaimed: { version: 1, data: z.object({ credentialId, at: timestamp }) },
  LoginNameReleased: { version: 1, data: z.object({ credentialId, at: timestamp }) },
});
