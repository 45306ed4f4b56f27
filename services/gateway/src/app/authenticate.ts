import { hash, timingSafeEqual } from 'node:crypto';
import { sha256Hex, type Clock } from '@daybook/runtime';
import { decode, verify } from 'jsonwebtoken';
import type { Presented } from './presented-credential';
import type { Credential, CredentialLookup } from './credential';
import type { TokenKeys } from './token-keys';

const issuer = 'daybook';
const audience = 'daybook';
/** Tokens whose signature was found right, kept at most; the oldest goes first. */
const verifiedMax = 10_000;
/** Compared with when there is no credential, so that an unknown one costs the same work. */
const noDigest = Buffer.alloc(32);

export type Authenticate = (presented: Presented) => Promise<Credential | undefined>;

/** The credential if it is known, not revoked, and the secret or the token's signature is right. */
export function createAuthenticate(deps: {
  readonly credentials: CredentialLookup;
  readonly tokenKeys: TokenKeys;
  readonly now: Clock;
}): Authenticate {
  const { credentials } = deps;
  const credentialIdOf = tokenReader(deps.tokenKeys);

  async function bySecret(presented: Extract<Presented, { secret: string }>): Promise<Credential | undefined> {
    const credential = await credentials.byId(presented.credentialId);
    const expected =
      credential?.kind === presented.scheme && credential.secretDigest !== null
        ? Buffer.from(credential.secretDigest, 'hex')
        : noDigest;
    const equal = timingSafeEqual(hash('sha256', presented.secret, 'buffer'), expected);
    return equal && credential?.revoked === false ? credential : undefined;
  }

  async function byKey(key: string): Promise<Credential | undefined> {
    const credential = await credentials.byKeyDigest(sha256Hex(key));
    return credential?.kind === 'api_key' && !credential.revoked ? credential : undefined;
  }

  async function byToken(token: string): Promise<Credential | undefined> {
    const credentialId = credentialIdOf(token, deps.now());
    const credential = credentialId === undefined ? undefined : await credentials.byId(credentialId);
    // The token of a `token` credential, or a short-lived one that a login was exchanged for.
    const bearer = credential?.kind === 'token' || credential?.kind === 'login';
    return bearer && !credential.revoked ? credential : undefined;
  }

  return async (presented) => {
    switch (presented.scheme) {
      case 'client':
      case 'basic':
        return bySecret(presented);
      case 'api_key':
        return byKey(presented.key);
      case 'token':
        return byToken(presented.token);
    }
  };
}

/** Checking a signature costs more than the rest of a request, and a token is sent many times. */
function tokenReader(keys: TokenKeys): (token: string, now: Date) => string | undefined {
  const verified = new Map<string, Claims>();
  return (token, now) => {
    const known = verified.get(token);
    if (known !== undefined) return known.expiresAt > now.getTime() ? known.credentialId : undefined;
    const claims = claimsOf(token, keys, now);
    if (claims === undefined) return undefined;
    verified.set(token, claims);
    if (verified.size > verifiedMax) verified.delete(verified.keys().next().value ?? '');
    return claims.credentialId;
  };
}

type Claims = { readonly credentialId: string; readonly expiresAt: number };

/**
 * One algorithm, from here and not from the token's header, which says no more than which of our keys it was signed with.
 * Without an expiry or an id a token is refused.
 */
function claimsOf(token: string, keys: TokenKeys, now: Date): Claims | undefined {
  try {
    const keyId: unknown = decode(token, { complete: true })?.header.kid;
    const key = typeof keyId === 'string' ? keys.get(keyId) : undefined;
    if (key === undefined) return undefined;
    const claims = verify(token, key, {
      algorithms: ['ES256'],
      issuer,
      audience,
      clockTimestamp: Math.floor(now.getTime() / 1000),
    });
    if (typeof claims === 'string' || typeof claims.exp !== 'number' || claims.jti === undefined) return undefined;
    return { credentialId: claims.jti, expiresAt: claims.exp * 1_000 };
  } catch {
    // Whatever is wrong with a token, it is not a credential. The library throws for each reason.
    return undefined;
  }
}
