/**
 * The keys of one standalone instance. They are made at the first start and kept, readable by the owner alone, in
 * DAYBOOK_HOME/secrets.json; losing the file loses access to what they encrypt and derive.
 */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createFile, replaceFile } from '@daybook/runtime';
import { textOf } from './endpoints';

const schema = z.object({
  instanceId: z.uuid(),
  internalToken: z.string(),
  tokenPrivateKey: z.string(),
  tokenPublicKey: z.string(),
  secretsKey: z.string(),
  personalDataKey: z.string(),
  checkpointPrivateKey: z.string(),
  checkpointPublicKey: z.string(),
  evmXpub: z.string(),
  tronXpub: z.string(),
  depositMnemonic: z.string(),
  solanaSeed: z.string(),
  signerToken: z.string(),
  signerPassword: z.string(),
});
export type Secrets = z.infer<typeof schema>;

/** Of several first starts at the same moment, one makes the keys and all use them. */
export async function loadSecrets(home: string): Promise<Secrets> {
  const path = join(home, 'secrets.json');
  if (!existsSync(path)) await createFile(path, textOf(await makeSecrets()));
  const kept = JSON.parse(readFileSync(path, 'utf8')) as Partial<Secrets>;
  const complete = schema.safeParse(kept);
  if (complete.success) return complete.data;
  // Of an instance that is older than some of the keys, the others are kept.
  const secrets = schema.parse({ ...(await makeSecrets()), ...kept });
  await replaceFile(path, textOf(secrets));
  return secrets;
}

/** For `daybook verify`, and for whoever is to verify the books. */
export function writePublicKey(home: string, { checkpointPublicKey }: Secrets): void {
  writeFileSync(join(home, 'checkpoint-public-key.pem'), checkpointPublicKey);
}

async function makeSecrets(): Promise<Secrets> {
  const { HDNodeWallet, Mnemonic } = await import('ethers');
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const checkpoint = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const mnemonic = Mnemonic.fromEntropy(randomBytes(16));
  // Only the extended public keys of the external chains (BIP-44) reach the chain-watcher.
  const xpub = (path: string) => HDNodeWallet.fromMnemonic(mnemonic, path).neuter().extendedKey;
  return {
    instanceId: randomUUID(),
    internalToken: randomBytes(32).toString('base64url'),
    tokenPrivateKey: privateKey,
    tokenPublicKey: publicKey,
    secretsKey: randomBytes(32).toString('base64'),
    personalDataKey: randomBytes(32).toString('base64'),
    checkpointPrivateKey: checkpoint.privateKey,
    checkpointPublicKey: checkpoint.publicKey,
    evmXpub: xpub("m/44'/60'/0'/0"),
    tronXpub: xpub("m/44'/195'/0'/0"),
    depositMnemonic: mnemonic.phrase,
    solanaSeed: randomBytes(32).toString('hex'),
    signerToken: randomBytes(32).toString('base64url'),
    signerPassword: randomBytes(32).toString('base64url'),
  };
}
