import { z } from 'zod';
import { defineCall } from '../call-contract';
import { label, mode, storableText, tenantId, timestamp } from '../fields';
import { credentialIssued, credentialKinds, scopes } from '../identity-events';

/** Short enough for the name of a stream. */
const credentialId = storableText(200);

export const registerOrganization = defineCall({
  name: 'identity.register-organization',
  request: z.strictObject({ tenantId, name: z.string().min(1).max(200) }),
  response: z.object({ tenantId }),
  rejections: ['organization_exists_with_different_fields'],
});

/** Returns the secret once; it is not stored in the clear and cannot be read again. */
export const issueCredential = defineCall({
  name: 'identity.issue-credential',
  request: z.strictObject({
    tenantId,
    kind: z.enum(credentialKinds),
    mode,
    scopes: z.array(z.enum(scopes)).min(1),
    walletId: label.nullable().default(null),
    ipAllowList: z.array(z.string()).default([]),
    /** For `login`: the user name to sign in with. */
    login: z.string().min(3).max(254).nullable().default(null),
  }),
  response: z.object({
    credentialId: z.string(),
    /** Client secret, API key, Basic secret, password, or the signed token, by kind. */
    secret: z.string(),
    /** Key for request signatures, for `token`. */
    signingSecret: z.string().nullable(),
  }),
  rejections: ['organization_not_found', 'login_taken', 'ip_allow_list_invalid'],
});

export const restrictCredential = defineCall({
  name: 'identity.restrict-credential',
  request: z.strictObject({ tenantId, credentialId, ipAllowList: z.array(z.string()) }),
  response: z.object({}),
  rejections: ['credential_not_found', 'ip_allow_list_invalid', 'credential_revoked'],
});

export const revokeCredential = defineCall({
  name: 'identity.revoke-credential',
  request: z.strictObject({ tenantId, credentialId }),
  response: z.object({}),
  rejections: ['credential_not_found'],
});

/** Signs a user in: a short-lived token that carries the login's scopes. */
export const exchangeLogin = defineCall({
  name: 'identity.exchange-login',
  request: z.strictObject({ login: z.string().max(254), password: z.string().max(1024) }),
  response: z.object({
    token: z.string(),
    expiresAt: timestamp,
    /** Of the user within the tenant. */
    userNumber: z.number().int().positive().nullable(),
  }),
  rejections: ['login_invalid'],
});

/**
 * Strong read, for who has not been told of a credential yet: what `CredentialIssued` tells, with the allow-list as it is
 * now. One that was revoked is not found. A digest finds an API key only, which is presented without an id.
 */
export const findCredential = defineCall({
  name: 'identity.find-credential',
  request: z.union([
    z.strictObject({ credentialId: z.string().min(1).max(200) }),
    z.strictObject({ secretDigest: z.string().regex(/^[0-9a-f]{64}$/) }),
  ]),
  response: credentialIssued.data,
  rejections: ['credential_not_found'],
});

/** Verifies an HMAC-SHA256 request signature without letting the key leave identity. */
export const verifySignature = defineCall({
  name: 'identity.verify-signature',
  request: z.strictObject({ credentialId: z.string(), payload: z.string(), signature: z.string() }),
  response: z.object({ valid: z.boolean() }),
});
