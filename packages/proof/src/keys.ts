/** Ed25519 keys (RFC 8032) as they are kept and shown: PEM, or the 32 raw bytes in base64. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { sha256 } from './sha256';

/** DER of a key is this and its 32 raw bytes (RFC 8410). */
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const rawBytes = 32;

/** Text that is no Ed25519 key in a form that we read. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
}

export type PublicKey = {
  /** Hex SHA-256 of the raw key. */
  readonly keyId: string;
  /** The raw key in base64. */
  readonly base64: string;
  readonly pem: string;
  verifies(message: Uint8Array, signature: Uint8Array): boolean;
};

export type SigningKey = {
  readonly publicKey: PublicKey;
  sign(message: Uint8Array): Buffer;
};

/** Throws KeyError. */
export function parsePublicKey(text: string): PublicKey {
  return publicKeyOf(
    keyFrom(text, publicPrefix, (key) =>
      typeof key === 'string' ? createPublicKey(key) : createPublicKey({ key, format: 'der', type: 'spki' }),
    ),
  );
}

/** Throws KeyError. Base64 is of the private key's 32 bytes, which RFC 8032 calls the seed. */
export function parseSigningKey(text: string): SigningKey {
  const key = keyFrom(text, privatePrefix, (source) =>
    typeof source === 'string'
      ? createPrivateKey(source)
      : createPrivateKey({ key: source, format: 'der', type: 'pkcs8' }),
  );
  return { publicKey: publicKeyOf(createPublicKey(key)), sign: (message) => sign(null, message, key) };
}

/** A new private key: its 32 bytes in base64. */
export function generateSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-rawBytes).toString('base64');
}

function keyFrom(text: string, prefix: Buffer, read: (source: string | Buffer) => KeyObject): KeyObject {
  const trimmed = text.trim();
  let key: KeyObject;
  try {
    if (trimmed.startsWith('-----BEGIN')) key = read(trimmed);
    else {
      const raw = Buffer.from(trimmed, 'base64');
      if (raw.length !== rawBytes || raw.toString('base64') !== trimmed) throw new KeyError('not 32 bytes in base64');
      key = read(Buffer.concat([prefix, raw]));
    }
  } catch (cause) {
    throw new KeyError('neither PEM of an Ed25519 key nor 32 bytes in base64', { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new KeyError(`an ${key.asymmetricKeyType} key, not Ed25519`);
  return key;
}

function publicKeyOf(key: KeyObject): PublicKey {
  const raw = key.export({ format: 'der', type: 'spki' }).subarray(-rawBytes);
  return {
    keyId: keyIdOf(raw),
    base64: raw.toString('base64'),
    pem: key.export({ format: 'pem', type: 'spki' }).toString(),
    verifies: (message, signature) => signature.length === 64 && verify(null, message, key, signature),
  };
}

/** Hex SHA-256 of the raw public key. */
export function keyIdOf(raw: Uint8Array): string {
  return sha256(raw).toString('hex');
}
