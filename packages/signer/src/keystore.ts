/**
 * The keystore: one file with the recovery phrase that all wallets come from, encrypted under a password (scrypt, then
 * AES-256-GCM with everything else in the file authenticated). Beside it lies the journal of what was signed with it;
 * neither is used without the other, because a key without its journal would allow every cap and slot once more.
 */
import { assert } from '@daybook/core';
import { createFile, Secret, sha256Hex, StartRefusal } from '@daybook/runtime';
import { createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes, scrypt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { createJournal } from './journal';

/** Memory is 128 * n * r bytes: 128 MB, by OWASP's advice for passwords. */
const kdfOfNew = { name: 'scrypt', n: 131_072, r: 8, p: 1 } as const;
const cipherName = 'aes-256-gcm';
const keyBytes = 32;
const tagBytes = 16;
const base64 = z.base64().min(1);
const schema = z.strictObject({
  format: z.literal('daybook-keystore-1'),
  keyId: z.string(),
  kdf: z.strictObject({
    name: z.literal('scrypt'),
    n: z.number().int().min(16_384).max(1_048_576),
    r: z.number().int().min(1).max(32),
    p: z.number().int().min(1).max(16),
    salt: base64,
  }),
  cipher: z.strictObject({ name: z.literal(cipherName), iv: base64 }),
  sealed: base64,
});
type KeystoreFile = z.output<typeof schema>;

export type Keystore = {
  /** Names the key: a digest, which tells nothing of it. */
  readonly keyId: string;
  /** BIP-39 seed, 64 bytes. */
  readonly seed: Buffer;
};

/** The keystore cannot be used. The message says what to do about it. */
export class KeystoreError extends StartRefusal {
  override readonly name = 'KeystoreError';
}

export type KeystorePaths = { readonly keystore: string; readonly journal: string };

export function keystorePaths(directory: string): KeystorePaths {
  return { keystore: join(directory, 'keystore.json'), journal: join(directory, 'signatures.log') };
}

/** 24 words from 32 random bytes (BIP-39). */
export async function newPhrase(): Promise<Secret> {
  const { Mnemonic } = await import('ethers');
  return new Secret(Mnemonic.fromEntropy(randomBytes(32)).phrase);
}

/**
 * The key ceremony: makes the directory, an empty journal and the keystore of `words`, readable by the owner alone. An
 * interrupted one is done again. Throws KeystoreError where the words are none of BIP-39, and where there is a keystore, or a
 * journal that tells of signatures.
 */
export async function createKeystore(directory: string, words: Secret, password: Secret): Promise<Keystore> {
  const phrase = await phraseOf(words);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const paths = keystorePaths(directory);
  if (existsSync(paths.keystore)) throw exists(paths.keystore);
  await removeEmptyJournal(paths.journal);
  const keystore = keystoreOf(phrase);
  await createJournal(paths.journal, keystore.keyId).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' ? exists(paths.journal) : error;
  });
  const text = `${JSON.stringify(await seal(keystore.keyId, phrase, password), null, 2)}\n`;
  await createFile(paths.keystore, text);
  if ((await readFile(paths.keystore, 'utf8')) !== text) throw exists(paths.keystore);
  return keystore;
}

/** Also of two ceremonies at once: whoever noted other words than the keystore's has none. */
const exists = (path: string) => new KeystoreError(`${path} exists: it is never replaced`);

/** Throws KeystoreError when it is not there, not the owner's alone, damaged, or of another password. */
export async function openKeystore(directory: string, password: Secret): Promise<Keystore> {
  const paths = keystorePaths(directory);
  if (!existsSync(paths.keystore)) throw new KeystoreError(`${paths.keystore} is not there: make it or restore it`);
  if (!existsSync(paths.journal))
    throw new KeystoreError(`${paths.journal} is not there: without it nothing says what was signed; restore it`);
  for (const path of [paths.keystore, paths.journal]) await expectPrivate(path);
  const file = schema.safeParse(jsonOf(await readFile(paths.keystore, 'utf8')));
  if (!file.success) throw new KeystoreError(`${paths.keystore} is damaged: restore it`);
  const keystore = keystoreOf(await unseal(file.data, password));
  assert(keystore.keyId === file.data.keyId, 'the phrase is of the key that the file names');
  return keystore;
}

/**
 * The words as BIP-39 has them, whatever capitals and spaces they were typed with: the seed is a digest of every character, so
 * that any other spelling would be another key.
 */
async function phraseOf(words: Secret): Promise<Secret> {
  const { Mnemonic } = await import('ethers');
  const typed = words.reveal().normalize('NFKD').trim();
  if (!Mnemonic.isValidMnemonic(typed)) throw new KeystoreError('the recovery phrase is not valid (BIP-39)');
  return new Secret(Mnemonic.fromPhrase(typed).phrase);
}

/** What an interrupted ceremony left. */
async function removeEmptyJournal(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const text = await readFile(path, 'utf8');
  if (text.split('\n').length > 2)
    throw new KeystoreError(`${path} tells of signatures, but their keystore is not there: restore it`);
  await rename(path, `${path}.unused`);
}

async function expectPrivate(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) throw new KeystoreError(`${path} can be read by others: chmod 600 ${path}`);
}

/** BIP-39 without a passphrase of its own, of words as `phraseOf` has them. */
function keystoreOf(phrase: Secret): Keystore {
  const seed = pbkdf2Sync(phrase.reveal(), 'mnemonic', 2048, 64, 'sha512');
  return { keyId: sha256Hex(`daybook signer ${sha256Hex(seed)}`).slice(0, 16), seed };
}

async function seal(keyId: string, phrase: Secret, password: Secret): Promise<KeystoreFile> {
  const kdf = { ...kdfOfNew, salt: randomBytes(16).toString('base64') };
  const iv = randomBytes(12);
  const open = {
    format: 'daybook-keystore-1',
    keyId,
    kdf,
    cipher: { name: cipherName, iv: iv.toString('base64') },
  } as const;
  const cipher = createCipheriv(cipherName, await derive(password, kdf), iv).setAAD(authenticated(open));
  const body = Buffer.concat([cipher.update(phrase.reveal(), 'utf8'), cipher.final()]);
  return { ...open, sealed: Buffer.concat([cipher.getAuthTag(), body]).toString('base64') };
}

async function unseal({ sealed, ...open }: KeystoreFile, password: Secret): Promise<Secret> {
  const bytes = Buffer.from(sealed, 'base64');
  const iv = Buffer.from(open.cipher.iv, 'base64');
  const decipher = createDecipheriv(cipherName, await derive(password, open.kdf), iv, { authTagLength: tagBytes })
    .setAAD(authenticated(open))
    .setAuthTag(bytes.subarray(0, tagBytes));
  try {
    const phrase = Buffer.concat([decipher.update(bytes.subarray(tagBytes)), decipher.final()]).toString('utf8');
    return new Secret(phrase);
  } catch {
    throw new KeystoreError('the password is not that of the keystore, or the keystore was changed');
  }
}

function authenticated({ format, keyId, kdf, cipher }: Omit<KeystoreFile, 'sealed'>): Buffer {
  return Buffer.from(JSON.stringify([format, keyId, kdf.name, kdf.n, kdf.r, kdf.p, kdf.salt, cipher.name, cipher.iv]));
}

function derive(password: Secret, kdf: KeystoreFile['kdf']): Promise<Buffer> {
  const { n: N, r, p } = kdf;
  const options = { N, r, p, maxmem: 256 * N * r };
  return new Promise((resolve, reject) => {
    scrypt(password.reveal(), Buffer.from(kdf.salt, 'base64'), keyBytes, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
