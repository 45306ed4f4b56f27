import { z } from 'zod';
import { defineEvent } from './event-contract';
import { mode, tenantId, timestamp } from './fields';

const topic = 'identity.credentials';
const key = (data: { credentialId: string }) => data.credentialId;

/** How a credential is presented. `login` is exchanged for a token; the others authenticate a request directly. */
export const credentialKinds = ['client', 'api_key', 'basic', 'token', 'login'] as const;
/** What a credential may do. A dialect's scope opens that dialect; the others open parts of `/v1`. */
export const scopes = [
  'intents',
  'pay',
  'partner',
  'merchant',
  'wallet',
  'webhooks',
  'ledger:read',
  'ledger:write',
  'admin',
  'ops',
  'audit',
] as const;
export type Scope = (typeof scopes)[number];

export const credentialIssued = defineEvent({
  type: 'CredentialIssued',
  version: 2,
  topic,
  summary: 'A credential was issued. Carries a digest of the secret, never the secret.',
  key,
  data: z.object({
    credentialId: z.string(),
    tenantId,
    kind: z.enum(credentialKinds),
    mode,
    scopes: z.array(z.enum(scopes)),
    /** SHA-256 of the secret in hex. Absent for `token` (signed) and `login` (verified by identity). */
    secretDigest: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .nullable(),
    /** The wallet that the credential acts for, on `pay`. */
    walletId: z.string().nullable(),
    /** The user's number within the tenant; null for who was issued a credential before there were numbers. */
    userNumber: z.number().int().positive().nullable(),
    /** CIDR blocks; empty allows every address. */
    ipAllowList: z.array(z.string()),
    issuedAt: timestamp,
  }),
  // Until version 2 users had no numbers.
  upcast: { 1: (raw) => ({ ...(raw as object), userNumber: null }) },
});

export const credentialRestricted = defineEvent({
  type: 'CredentialRestricted',
  version: 1,
  topic,
  summary: 'The address allow-list of a credential was replaced.',
  key,
  data: z.object({ credentialId: z.string(), ipAllowList: z.array(z.string()), restrictedAt: timestamp }),
});

export const credentialRevoked = defineEvent({
  type: 'CredentialRevoked',
  version: 1,
  topic,
  summary: 'A credential stopped working, for good.',
  key,
  data: z.object({ credentialId: z.string(), revokedAt: timestamp }),
});
