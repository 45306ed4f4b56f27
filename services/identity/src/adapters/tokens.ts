/**
 * Tokens are JWTs signed with ES256. The key decides the algorithm; nothing in a token does. `jti` is the credential's
 * id, so a verifier that follows the credential events refuses a revoked token before it expires.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { publicKeyId, secretSetting, type Secret } from '@daybook/runtime';
import jwt from 'jsonwebtoken';
import type { Tokens } from '../ports';

const issuer = 'daybook';
const audience = 'daybook';

/** An unencrypted PEM private key on P-256. Line breaks may be written as \n, for environment files. */
export const tokenKeySetting = secretSetting(1)
  .refine((pem) => readKey(pem) !== undefined, 'must be a PEM private key of the P-256 curve')
  .meta({ secret: true });

export function jwtTokens(pem: Secret): Tokens {
  const key = readKey(pem);
  if (key === undefined) throw new TypeError('the token key is not a PEM private key of the P-256 curve');
  const keyid = publicKeyId(createPublicKey(key));
  return {
    sign({ credentialId, tenantId, mode, scopes, walletId, issuedAt, expiresAt }) {
      const claims = {
        iss: issuer,
        aud: audience,
        sub: tenantId,
        jti: credentialId,
        scope: scopes.join(' '),
        mode,
        ...(walletId === null ? {} : { wallet: walletId }),
        iat: secondsOf(issuedAt),
        exp: secondsOf(expiresAt),
      };
      return jwt.sign(claims, key, { algorithm: 'ES256', keyid });
    },
  };
}

function readKey(pem: Secret): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem.reveal().replaceAll('\\n', '\n'));
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}

function secondsOf(time: Date): number {
  return Math.floor(time.getTime() / 1_000);
}
