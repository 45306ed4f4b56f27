import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { sign } from 'jsonwebtoken';
import { createAuthenticate } from './authenticate';
import type { Credential } from './credential';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const issuedAt = Date.parse('2026-03-01T00:00:00.000Z');
const token = sign({ jti: 'c1', iss: 'daybook', aud: 'daybook', exp: issuedAt / 1_000 + 60 }, privateKey, {
  algorithm: 'ES256',
  noTimestamp: true,
});

function rig() {
  let now = new Date(issuedAt);
  const credential = { credentialId: 'c1', kind: 'token', revoked: false } as Credential;
  const known = new Map([['c1', credential]]);
  const authenticate = createAuthenticate({
    credentials: { byId: async (id) => known.get(id), byKeyDigest: async () => undefined },
    tokenPublicKey: createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
    now: () => now,
  });
  return {
    known,
    credential,
    use: (text = token) => authenticate({ scheme: 'token', token: text }),
    at: (seconds: number) => {
      now = new Date(issuedAt + seconds * 1_000);
    },
  };
}

test('a token that was right before is refused from its expiry on', async () => {
  const { use, at, credential } = rig();
  expect(await use()).toBe(credential);
  at(59.999);
  expect(await use()).toBe(credential);
  at(60);
  expect(await use()).toBeUndefined();
});

test('a token that was right before is refused once its credential is revoked', async () => {
  const { use, known, credential } = rig();
  expect(await use()).toBe(credential);
  known.set('c1', { ...credential, revoked: true });
  expect(await use()).toBeUndefined();
});

test('one character changed in a token that was right before is another token', async () => {
  const { use, credential } = rig();
  expect(await use()).toBe(credential);
  expect(await use(`${token.slice(0, -6)}${token.at(-6) === 'A' ? 'B' : 'A'}${token.slice(-5)}`)).toBeUndefined();
});
