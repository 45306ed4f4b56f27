import { createPublicKey, type KeyObject } from 'node:crypto';
import { publicKeyId } from '@daybook/runtime';

/** The keys that tokens are verified with, by their ids. More than one while the key is replaced. */
export type TokenKeys = ReadonlyMap<string, KeyObject>;

type Read = { readonly ok: true; readonly value: TokenKeys } | { readonly ok: false; readonly problem: string };

const block = /-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----/g;
const wanted = 'must be the PEM of a public key on curve P-256, or of several, one after the other';

/** All that is in `pems` has to be a key: one that was cut off must not be missed only when its tokens come. */
export function readTokenKeys(pems: string): Read {
  if (pems.includes('PRIVATE KEY')) return refused('has a private key, which belongs to identity only');
  const keys = (pems.match(block) ?? []).map(publicKeyOf);
  const isAllKeys = pems.replaceAll(block, '').trim() === '' && keys.length > 0;
  if (!isAllKeys || !keys.every((key) => key !== undefined)) return refused(wanted);
  const byId = new Map(keys.map((key) => [publicKeyId(key), key]));
  return byId.size === keys.length ? { ok: true, value: byId } : refused('has a key twice');
}

const refused = (problem: string): Read => ({ ok: false, problem });

function publicKeyOf(pem: string): KeyObject | undefined {
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}
