import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { sign, type SignOptions } from 'jsonwebtoken';
import { createAuthenticate } from './authenticate';
import type { Credential } from './credential';
import { readTokenKeys } from './token-keys';

function keyPair() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const keyid = createHash('sha256').update(spki).digest('hex').slice(0, 16);
  return { privateKey, keyid, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

const [own, next, theirs] = [keyPair(), keyPair(), keyPair()];
const issuedAt = Date.parse('2026-03-01T00:00:00.000Z');
const claims = { jti: 'c1', iss: 'daybook', aud: 'daybook', exp: issuedAt / 1_000 + 60 };
const signed = (key: KeyObject, options: SignOptions) =>
  sign(claims, key, { algorithm: 'ES256', noTimestamp: true, ...options });
const token = signed(own.privateKey, { keyid: own.keyid });

function rig(...pems: readonly string[]) {
  let now = new Date(issuedAt);
  const credential = { credentialId: 'c1', kind: 'token', revoked: false } as Credential;
  const known = new Map([['c1', credential]]);
  const keys = readTokenKeys(pems.length === 0 ? own.pem : pems.join(''));
  if (!keys.ok) throw new Error(keys.problem);
  const authenticate = createAuthenticate({
    credentials: { byId: async (id) => known.get(id), byKeyDigest: async () => undefined },
    tokenKeys: keys.value,
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

describe('while the key is replaced', () => {
  const nextToken = signed(next.privateKey, { keyid: next.keyid });

  test.each([
    ['before', [own.pem], true, false],
    ['with both', [own.pem, next.pem], true, true],
    ['with both, in the other order', [next.pem, own.pem], true, true],
    ['after', [next.pem], false, true],
  ] as const)('%s, tokens are verified with the keys that are there', async (_name, pems, isOwn, isNext) => {
    const { use } = rig(...pems);
    expect([(await use()) !== undefined, (await use(nextToken)) !== undefined]).toEqual([isOwn, isNext]);
  });

  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  /** A right signature under whatever header. */
  const withHeader = (header: object) => {
    const { alg, ...rest } = { alg: 'ES256', typ: 'JWT', ...header };
    return sign(claims, own.privateKey, { algorithm: 'ES256', noTimestamp: true, header: { alg, ...rest } as never });
  };
  const unsigned = (header: object) => `${part(header)}.${part(claims)}.`;

  test.each([
    ['no key id', signed(own.privateKey, {})],
    ['an unknown key id', signed(theirs.privateKey, { keyid: theirs.keyid })],
    ['an unknown key id and a right signature', signed(own.privateKey, { keyid: theirs.keyid })],
    ['the id of the other key', signed(own.privateKey, { keyid: next.keyid })],
    ["the id of one of the keys, and somebody else's signature", signed(theirs.privateKey, { keyid: own.keyid })],
    ['the key id in capitals', signed(own.privateKey, { keyid: own.keyid.toUpperCase() })],
    ['the key id and more', signed(own.privateKey, { keyid: `${own.keyid} ` })],
    ['a part of the key id', signed(own.privateKey, { keyid: own.keyid.slice(0, 8) })],
    ['a path as its key id', signed(own.privateKey, { keyid: `../../keys/${own.keyid}` })],
    ['SQL as its key id', signed(own.privateKey, { keyid: `${own.keyid}' or '1'='1` })],
    ['a url as its key id', signed(own.privateKey, { keyid: `https://mallory.example/${own.keyid}` })],
    ['the name of a property as its key id', withHeader({ kid: '__proto__' })],
    ['the name of a method as its key id', withHeader({ kid: 'constructor' })],
    ['a number as its key id', withHeader({ kid: 0 })],
    ['a list as its key id', withHeader({ kid: [own.keyid] })],
    ['an object as its key id', withHeader({ kid: { toString: own.keyid } })],
    ['null as its key id', withHeader({ kid: null })],
    ['a url of keys beside no key id', withHeader({ jku: 'https://mallory.example/keys' })],
    ['the right key id and no algorithm', unsigned({ alg: 'none', kid: own.keyid })],
    [
      'the right key id and the public key as a secret',
      sign(claims, own.pem, { algorithm: 'HS256', noTimestamp: true, keyid: own.keyid }),
    ],
    ['nothing in it', '..'],
    ['a header that is not JSON', `${Buffer.from('{"kid":').toString('base64url')}.${part(claims)}.AAAA`],
  ])('a token with %s is refused', async (_name, text) => {
    const { use, credential } = rig(own.pem, next.pem);
    expect(await use(text)).toBeUndefined();
    expect(await use()).toBe(credential);
  });

  test('the header chooses among the keys, and a jwk or a certificate in it is not one', async () => {
    const { use, credential } = rig(own.pem, next.pem);
    expect(await use(withHeader({ kid: own.keyid }))).toBe(credential);
    const jwk = { kty: 'EC', crv: 'P-256' };
    const forged = sign(claims, theirs.privateKey, {
      algorithm: 'ES256',
      noTimestamp: true,
      header: { alg: 'ES256', kid: own.keyid, jwk, x5u: 'https://mallory.example' } as never,
    });
    expect(await use(forged)).toBeUndefined();
  });
});
