import { createHmac } from 'node:crypto';
import type { Secret } from './secret';

/**
 * Keys of one purpose, each in base64: whatever is new is made under the current one, and what was made under an old one
 * still counts. So the current one can be replaced while others work.
 */
export type Keyring = { readonly current: Secret; readonly old: readonly Secret[] };

/** Digests of the same content: the one to record, and those that were recorded of it while other keys were current. */
export type KeyedDigests = { readonly current: string; readonly old: readonly string[] };

/** Keyed, so that a log does not tell whether guessed content is what was recorded. `what` keeps uses of one key apart. */
export function keyedDigests({ current, old }: Keyring, what: string, content: unknown): KeyedDigests {
  const text = `${what} ${JSON.stringify(content)}`;
  const under = (key: Secret) => createHmac('sha256', keyBytesOf(key)).update(text).digest('hex');
  return { current: under(current), old: old.map(under) };
}

export function keyBytesOf(key: Secret): Buffer {
  return Buffer.from(key.reveal(), 'base64');
}

/** One key can be written in several ways, so their bytes are compared. */
export function hasRepeatedKey(keys: readonly Secret[]): boolean {
  return new Set(keys.map((key) => keyBytesOf(key).toString('hex'))).size < keys.length;
}
