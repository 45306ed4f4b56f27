import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { CheckpointError, createTrust, parseCheckpoint, signCheckpoint, verifyCheckpoint } from './checkpoint';
import { generateSigningKey, KeyError, parsePublicKey, parseSigningKey, type PublicKey, type SigningKey } from './keys';
import { leafHash } from './merkle-tree';

// RFC 8032, section 7.1, test 1: the key, and its signature of nothing.
const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const publicHex = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
const signatureOfNothing =
  'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b';
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

const key = parseSigningKey(base64(seed));
const other = parseSigningKey(generateSigningKey());
const third = parseSigningKey(generateSigningKey());
const content = { origin: 'daybook/book-live', size: 7, root: leafHash(Buffer.from('a')), head: 'ab'.repeat(32) };
const time = '2026-02-11T10:00:00.000Z';
const sign = (by: SigningKey, size: number, nextKey: PublicKey | null = null, origin = content.origin) =>
  signCheckpoint({ ...content, origin, size, time, nextKey }, by);

describe('keys', () => {
  test('sign as RFC 8032 says', () => {
    expect(key.publicKey.base64).toBe(base64(publicHex));
    expect(key.sign(Buffer.alloc(0)).toString('hex')).toBe(signatureOfNothing);
    expect(key.publicKey.verifies(Buffer.alloc(0), Buffer.from(signatureOfNothing, 'hex'))).toBe(true);
  });

  test('are read as PEM and as base64, and named by the hash of the public key', () => {
    const pair = generateKeyPairSync('ed25519', {
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const fromPem = parsePublicKey(pair.publicKey);
    expect(parseSigningKey(pair.privateKey).publicKey.keyId).toBe(fromPem.keyId);
    expect(parsePublicKey(` ${fromPem.base64}\n`).pem).toBe(pair.publicKey);
    expect(fromPem.keyId).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    '',
    'abc',
    base64(seed.slice(2)),
    '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----',
    createPublicKey(
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    )
      .export({ type: 'spki', format: 'pem' })
      .toString(),
  ])('refuses what is no Ed25519 key: %j', (text) => {
    expect(() => parsePublicKey(text)).toThrow(KeyError);
    expect(() => parseSigningKey(text)).toThrow(KeyError);
  });
});

describe('a checkpoint', () => {
  test('has this text', () => {
    const { text } = sign(key, 7, other.publicKey);
    expect(text).toBe(
      `daybook/book-live\n7\n${content.root.toString('base64')}\nhead ${'ab'.repeat(32)}\ntime ${time}\n` +
        `key ${key.publicKey.keyId} ${key.publicKey.base64}\nnext ${other.publicKey.base64}\n`,
    );
  });

  test('is read back and verified', () => {
    expect(verifyCheckpoint(sign(key, 7), key.publicKey)).toEqual({
      ...content,
      time,
      keyId: key.publicKey.keyId,
      publicKey: key.publicKey.base64,
      nextKey: null,
    });
  });

  test('is refused with any byte changed', () => {
    const signed = sign(key, 1_234, other.publicKey);
    fc.assert(
      fc.property(
        fc.constantFrom('text' as const, 'signature' as const),
        fc.nat(),
        fc.integer({ min: 1, max: 127 }),
        (part, at, change) => {
          const bytes = Buffer.from(signed[part]);
          bytes[at % bytes.length]! ^= change;
          const changed = { ...signed, [part]: bytes.toString() };
          expect(() => verifyCheckpoint(changed, key.publicKey)).toThrow(CheckpointError);
        },
      ),
    );
  });

  test.each([
    ['no size', { size: 0 }],
    ['an origin of two lines', { origin: 'a\nb' }],
    ['a head that is no hash', { head: 'ab' }],
    ['a root that is no hash', { root: Buffer.from('ab') }],
    ['a time that is none', { time: '2026-02-31T99:00:00.000Z' }],
  ])('is not signed with %s', (_name, wrong) => {
    expect(() => signCheckpoint({ ...content, time, nextKey: null, ...wrong }, key)).toThrow(CheckpointError);
  });

  test('is not read where the key is the same bytes written otherwise, signed or not', () => {
    const { text } = sign(key, 7);
    const { base64 } = key.publicKey;
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const other = `${base64.slice(0, -2)}${letters[letters.indexOf(base64.at(-2)!) ^ 1]}=`;
    expect(() => parseCheckpoint(text.replace(base64, other))).toThrow('not a checkpoint in its canonical form');
  });

  test('is not read with a line more, or without its last line end', () => {
    const { text } = sign(key, 7);
    expect(() => parseCheckpoint(`${text}more\n`)).toThrow(CheckpointError);
    expect(() => parseCheckpoint(text.slice(0, -1))).toThrow(CheckpointError);
  });
});

describe('trust', () => {
  const trust = (first = key) => createTrust(content.origin, first.publicKey);

  test('goes from key to key by what the one before has signed', () => {
    const chain = trust();
    chain.accept(sign(key, 3));
    chain.accept(sign(key, 5, other.publicKey));
    chain.accept(sign(other, 8));
    chain.accept(sign(other, 9, third.publicKey));
    chain.accept(sign(third, 12));
    expect(chain.keys().map(({ key: { keyId }, after, upTo }) => [keyId, after, upTo])).toEqual([
      [key.publicKey.keyId, 0, 5],
      [other.publicKey.keyId, 5, 9],
      [third.publicKey.keyId, 9, null],
    ]);
  });

  test('does not take a key that nothing introduced', () => {
    expect(() => trust().accept(sign(other, 3))).toThrow(/is signed with key .{16}, not with/);
  });

  test('does not take a key that introduces itself', () => {
    const { text } = sign(key, 3, other.publicKey);
    const forged = { text, signature: other.sign(Buffer.from(text)).toString('base64') };
    expect(() => trust().accept(forged)).toThrow('signature that does not fit');
  });

  test('does not take a replaced key any more', () => {
    const chain = trust();
    chain.accept(sign(key, 5, other.publicKey));
    expect(() => chain.accept(sign(key, 8))).toThrow('which was replaced after size 5');
  });

  test('takes a replaced key again once the one that signs now introduces it, and no longer than that', () => {
    const there = sign(key, 5, other.publicKey);
    const back = sign(other, 8, key.publicKey);
    for (const first of [key, other]) {
      const chain = trust(first);
      for (const introduction of [there, back]) chain.follow(introduction);
      expect(chain.accept(sign(key, 9, third.publicKey)).size).toBe(9);
      expect(() => chain.accept(sign(key, 12))).toThrow('which was replaced after size 9');
    }
  });

  test('takes no other book, and no smaller size', () => {
    const chain = trust();
    chain.accept(sign(key, 5));
    expect(() => chain.accept(sign(key, 5))).toThrow('covers 5 events after one of 5');
    expect(() => chain.accept(sign(key, 8, null, 'daybook/book-sandbox'))).toThrow('is of daybook/book-sandbox');
  });

  test('begins at any of the keys, and follows only what that one has signed', () => {
    const introductions = [sign(key, 5, other.publicKey), sign(other, 9, third.publicKey)];
    for (const first of [key, other, third]) {
      const chain = trust(first);
      for (const introduction of introductions) chain.follow(introduction);
      expect(chain.accept(sign(third, 12)).size).toBe(12);
    }
    const stranger = trust(parseSigningKey(generateSigningKey()));
    for (const introduction of introductions) stranger.follow(introduction);
    expect(() => stranger.accept(sign(third, 12))).toThrow(CheckpointError);
  });
});
