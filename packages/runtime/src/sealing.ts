import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { assert, AssertionError } from '@daybook/core';
import { z } from 'zod';
import { entriesOf, secretSetting } from './config';
import { keyBytesOf, type Keyring } from './keyring';
import { Secret } from './secret';

const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;

/** Of what follows `=` no reader of base64 takes notice: a second key behind it would be lost. */
const oneKey = /^[\w+/-]{43}=?$/;

/** A setting that holds a sealing key: 32 random bytes in base64. */
export const sealingKeySetting = secretSetting(1)
  .refine((key) => keyBytesOf(key).length === keyBytes, `must be ${keyBytes} bytes in base64`)
  .meta({ secret: true });

/** A setting that holds the keys beside SECRETS_KEY, any number of them. */
export const oldSealingKeysSetting = z
  .string()
  .default('')
  .transform(entriesOf)
  .refine(
    (keys) => keys.every((key) => oneKey.test(key)),
    `must be keys of ${keyBytes} bytes in base64, with commas between`,
  )
  .transform((keys) => keys.map((key) => new Secret(key)))
  .meta({ secret: true })
  .describe(
    'Comma-separated keys like SECRETS_KEY that nothing new is made with: what was made with them still counts.',
  );

/** Settings of a service that keeps `what` readable for itself only. */
export const secretsKeySettings = (what: string) => ({
  SECRETS_KEY: sealingKeySetting.describe(`32 random bytes in base64: encrypts ${what} at rest.`),
  SECRETS_KEYS_OLD: oldSealingKeysSetting,
});

type SecretsKeys = Readonly<z.output<z.ZodObject<ReturnType<typeof secretsKeySettings>>>>;

export function secretsKeysOf({ SECRETS_KEY: current, SECRETS_KEYS_OLD: old }: SecretsKeys): Keyring {
  return { current, old };
}

/**
 * Keeps small secrets that must be readable again, such as HMAC keys, encrypted at rest (AES-256-GCM).
 * `context` names the owner and is authenticated: a sealed value moved to another owner does not open.
 */
export type Sealer = {
  /** Under the current key. */
  seal(plain: string, context: string): string;
  /** Throws AssertionError when the value was sealed under another key or context, or was changed. */
  open(sealed: string, context: string): string;
  /** As `open`, for who has more to do than this one value: says what is wrong with it. */
  tryOpen(sealed: string, context: string): Opened;
};

export type Opened = { readonly ok: true; readonly plain: string } | { readonly ok: false; readonly problem: string };

/**
 * Sealed form: `v1.<key id>.<base64url of iv, tag and ciphertext>`. The key id tells which key to open it with; of a single
 * secret it is that one.
 */
export function createSealer(keys: Secret | Keyring): Sealer {
  const { current, old } = keys instanceof Secret ? { current: keys, old: [] } : keys;
  const { id: currentId, key: currentKey } = identified(current);
  const byId = new Map([current, ...old].map(identified).map(({ id, key }) => [id, key]));
  const tryOpen = (sealed: string, context: string): Opened => {
    const { id = '', body = '' } = /^v1\.(?<id>[0-9a-f]{8})\.(?<body>.*)$/.exec(sealed)?.groups ?? {};
    const key = byId.get(id);
    if (key === undefined) return { ok: false, problem: 'the value was sealed under another key' };
    const bytes = Buffer.from(body, 'base64url');
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
      const cipher = createCipheriv('aes-256-gcm', currentKey, iv).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return `v1.${currentId}.${Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')}`;
    },
    open(sealed, context) {
      const opened = tryOpen(sealed, context);
      if (!opened.ok) throw new AssertionError(opened.problem);
      return opened.plain;
    },
    tryOpen,
  };
}

function identified(secret: Secret): { readonly id: string; readonly key: Buffer } {
  const key = keyBytesOf(secret);
  assert(key.length === keyBytes, 'a sealing key has 32 bytes');
  return { id: createHash('sha256').update(key).digest('hex').slice(0, 8), key };
}
