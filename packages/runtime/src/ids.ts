import { createHash, hash, randomUUID } from 'node:crypto';

/** Time-ordered random id (UUID version 7). */
export function uuidv7(now: Date = new Date()): string {
  const time = now.getTime().toString(16).padStart(12, '0');
  // The library's random UUID is taken from a pool of random bytes, which is much cheaper than asking for 16.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/**
 * The same parts always give the same id, which is what makes a repeat recognisable. Parts are length-prefixed, so
 * ("ab","c") and ("a","bc") differ. `version` sets the UUID's version digits: 8 (custom) unless a format asks for 4.
 */
export function uuidFrom(parts: readonly string[], version: 4 | 8 = 8): string {
  return formatUuid(digestOf(parts).subarray(0, 16), version);
}

/** `prefix` and 20 base-32 characters (100 bits) from the digest of the parts. */
export function codeFrom(prefix: string, parts: readonly string[]): string {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  const characters = [...digestOf(parts).subarray(0, 20)].map((byte) => alphabet[byte & 31]);
  return prefix + characters.join('');
}

export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}

function digestOf(parts: readonly string[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest();
}

function formatUuid(bytes: Uint8Array, version: number): string {
  const b = Buffer.from(bytes);
  b[6] = (b[6]! & 0x0f) | (version << 4);
  b[8] = (b[8]! & 0x3f) | 0x80;
  const hex = b.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
