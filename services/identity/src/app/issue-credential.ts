import { randomBytes, randomUUID } from 'node:crypto';
import type { CallOutcome, CallRequest, issueCredential, Mode } from '@daybook/contracts';
import { assert, assertNever, valueAt } from '@daybook/core';
import { codeFrom, sha256Hex, type Clock, type Sealer } from '@daybook/runtime';
import type { CredentialKind, IssuedCredential } from '../domain/credential';
import { canonicalAllowList } from '../domain/ip-allow-list';
import type { LoginNames, Passwords, Tokens } from '../ports';
import type { Credentials } from './credentials';

export type IssueDeps = {
  readonly credentials: Credentials;
  readonly tokens: Tokens;
  readonly passwords: Passwords;
  readonly loginNames: LoginNames;
  readonly sealer: Sealer;
  readonly now: Clock;
  readonly tokenTtlDays: number;
};

type Request = CallRequest<typeof issueCredential>;
type IssueOutcome = CallOutcome<typeof issueCredential>;

const secretBytes = 32;
const dayMs = 24 * 3_600_000;

/**
 * Makes a credential and answers its secret, which is in no event, table, message or log line. Each call makes another
 * one: a caller that lost the answer asks again, and nobody can use the credential whose secret was lost.
 */
export async function issue(deps: IssueDeps, request: Request): Promise<IssueOutcome> {
  const { credentials, now } = deps;
  const { tenantId, login } = request;
  const digest = login === null ? undefined : deps.loginNames.digest(login);
  const rejection = await rejectionOf(deps, request, digest);
  if (rejection !== undefined) {
    // Only here: the stream of a tenant with many credentials is long, and taking a number reads it too.
    const isFound = (await credentials.organizationOf(tenantId)).status !== 'none';
    return { ok: false, rejection: isFound ? rejection : 'organization_not_found' };
  }

  const at = now();
  const made = await make(deps, request, at);
  if (made === undefined) return { ok: false, rejection: 'organization_not_found' };
  const { issued, secret, signingSecret } = made;
  const { credentialId } = issued;
  const outcome = await credentials.change(credentialId, {
    type: 'IssueCredential',
    ...issued,
    at: at.toISOString(),
  });
  assert(outcome.ok, 'issuing was refused');
  if (digest !== undefined && !(await claim(deps, digest, issued))) return { ok: false, rejection: 'login_taken' };
  return { ok: true, value: { credentialId, secret, signingSecret } };
}

/** Why a credential could not be issued for any organization. */
async function rejectionOf({ credentials }: IssueDeps, { ipAllowList }: Request, loginDigest: string | undefined) {
  if (canonicalAllowList(ipAllowList) === undefined) return 'ip_allow_list_invalid';
  const isTaken = loginDigest !== undefined && (await credentials.holderOf(loginDigest)) !== null;
  return isTaken ? 'login_taken' : undefined;
}

/** A login that lost the race for its name is revoked: it was issued, but nobody can sign in with it. */
async function claim({ credentials, now }: IssueDeps, digest: string, issued: IssuedCredential): Promise<boolean> {
  const { credentialId, tenantId } = issued;
  const at = now().toISOString();
  const claimed = await credentials.changeLoginName(digest, { type: 'ClaimLoginName', credentialId, at });
  if (!claimed.ok) await credentials.change(credentialId, { type: 'RevokeCredential', tenantId, at });
  return claimed.ok;
}

type Made = { readonly issued: IssuedCredential; readonly secret: string; readonly signingSecret: string | null };

/** Undefined when there is no such organization. */
async function make(deps: IssueDeps, request: Request, at: Date): Promise<Made | undefined> {
  const { tenantId, kind, mode, scopes, walletId, ipAllowList, login } = request;
  const key = `${keyPrefix(mode)}${randomText()}`;
  const credentialId = newCredentialId(kind, key);
  const userNumber = await numberOf(deps, tenantId, credentialId, at);
  if (userNumber === undefined) return undefined;
  const common = {
    credentialId,
    tenantId,
    kind,
    mode,
    scopes,
    walletId,
    userNumber,
    ipAllowList,
    secretDigest: null,
    sealedSigningSecret: null,
    login: null,
  };
  switch (kind) {
    case 'client':
    case 'api_key':
    case 'basic':
      return { issued: { ...common, secretDigest: sha256Hex(key) }, secret: key, signingSecret: null };
    case 'token': {
      const expiresAt = new Date(at.getTime() + deps.tokenTtlDays * dayMs);
      const secret = deps.tokens.sign({ credentialId, tenantId, mode, scopes, walletId, issuedAt: at, expiresAt });
      const signingSecret = `dbs_${randomText()}`;
      const sealedSigningSecret = deps.sealer.seal(signingSecret, credentialId);
      return { issued: { ...common, sealedSigningSecret }, secret, signingSecret };
    }
    case 'login': {
      assert(login !== null, 'a login has a name');
      const secret = randomText();
      const [encryptedName, passwordHash] = await Promise.all([
        deps.loginNames.encrypt(credentialId, login),
        deps.passwords.hash(secret),
      ]);
      const digest = deps.loginNames.digest(login);
      return { issued: { ...common, login: { digest, encryptedName, passwordHash } }, secret, signingSecret: null };
    }
    default:
      return assertNever(kind);
  }
}

/** Taken before the credential is issued; one whose issuing does not come to an end keeps a number that nobody has. */
async function numberOf({ credentials }: IssueDeps, tenantId: string, credentialId: string, at: Date) {
  const command = { type: 'NumberUser', credentialId, at: at.toISOString() } as const;
  const { state } = await credentials.changeOrganization(tenantId, command);
  if (state.status === 'none') return undefined;
  const number = valueAt(state.userNumbers, credentialId);
  assert(number !== undefined, 'an organization that exists numbers its users');
  return number;
}

/** The reference of `intents` shows client ids as UUIDs of version 4. */
function newCredentialId(kind: CredentialKind, key: string): string {
  if (kind === 'client') return randomUUID();
  return kind === 'api_key' ? apiKeyId(sha256Hex(key)) : codeFrom('key_', [randomText()]);
}

/** An API key is presented without an id, so its id is made from what is presented: the digest finds the stream. */
export function apiKeyId(secretDigest: string): string {
  return codeFrom('key_', ['api_key', secretDigest]);
}

function keyPrefix(mode: Mode): string {
  return mode === 'live' ? 'dbk_live_' : 'dbk_test_';
}

function randomText(): string {
  return randomBytes(secretBytes).toString('base64url');
}
