import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { assert, AssertionError } from '@daybook/core';
import { secretSetting } from './config';
import type { Secret } from './secret';

const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;

/** A setting that holds a sealing key: 32 random bytes in base64. */
export const sealingKeySetting = secretSetting(1)
  .refine((key) => keyOf(key).length === keyBytes, `must be ${keyBytes} bytes in base64`)
  .meta({ secret: true });

/**
 * Keeps small secrets that must be readable again, such as HMAC keys, encrypted at rest (AES-256-GCM).
 * `context` names the owner and is authenticated: a sealed value moved to another owner does not open.
 */
export type Sealer = {
  seal(plain: string, context: string): string;
  /** Throws AssertionError when the value was sealed under another key or context, or was changed. */
  open(sealed: string, context: string): string;
  /** As `open`, for who has more to do than this one value: says what is wrong with it. */
  tryOpen(sealed: string, context: string): Opened;
};

export type Opened = { readonly ok: true; readonly plain: string } | { readonly ok: false; readonly problem: string };

/** Sealed form: `v1.<key id>.<base64url of iv, tag and ciphertext>`. The key id tells which key to open it with. */
export function createSealer(secret: Secret): Sealer {
  const key = keyOf(secret);
  assert(key.length === keyBytes, 'a sealing key has 32 bytes');
  const prefix = `v1.${createHash('sha256').update(key).digest('hex').slice(0, 8)}.`;
  const tryOpen = (sealed: string, context: string): Opened => {
    if (!sealed.startsWith(prefix)) return { ok: false, problem: 'the value was sealed under another key' };
    const bytes = Buffer.from(sealed.slice(prefix.length), 'base64url');
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      const plain = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]);
      return { ok: true, plain: plain.toString('utf8') };
    } catch {
      return { ok: false, problem: 'the sealed value was changed or belongs to another owner' };
    }
  };
  return {
    seal(plain, context) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return prefix + Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(sealed, context) {
      const opened = tryOpen(sealed, context);
      if (!opened.ok) throw new AssertionError(opened.problem);
      return opened.plain;
    },
    tryOpen,
  };
}

function keyOf(secret: Secret): Buffer {
  return Buffer.from(secret.reveal(), 'base64');
}
