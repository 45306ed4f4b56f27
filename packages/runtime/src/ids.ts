import { hash, randomUUID, type KeyObject } from 'node:crypto';

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
  return formatUuid(hash('sha256', prefixed(parts), 'hex'), version);
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

/** What tokens name the key by that they were signed with. */
export function publicKeyId(key: KeyObject): string {
  return sha256Hex(key.export({ type: 'spki', format: 'der' })).slice(0, 16);
}

function digestOf(parts: readonly string[]): Buffer {
  return hash('sha256', prefixed(parts), 'buffer');
}

/** In one text: a digest of it costs less than one of its parts. */
function prefixed(parts: readonly string[]): string {
  let text = '';
  for (const part of parts) text += `${Buffer.byteLength(part)}:${part}`;
  return text;
}

const variants = '89ab';

/** Of the first 32 hexadecimal digits. */
function formatUuid(hex: string, version: number): string {
  const variant = variants[Number.parseInt(hex[16]!, 16) & 3]!;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${version}${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
