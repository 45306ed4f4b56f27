/**
 * `node write-secret-files.js DIRECTORY`: makes an instance's keys for services that run apart, and puts those that a service
 * reads by `<SETTING>_FILE` where it alone looks: `DIRECTORY/services/<service>`, one file a key. Keeps what is there, but
 * for empty files, which a full disk or a kill has left.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@daybook/runtime';
import { loadSecrets, writePublicKey, type Secrets } from './secrets';

const readers: Readonly<Record<string, readonly (keyof Secrets)[]>> = {
  'chain-watcher': ['internalToken', 'evmXpub', 'tronXpub', 'solanaSeed'],
  gateway: ['internalToken', 'tokenPublicKey'],
  identity: ['internalToken', 'tokenPrivateKey', 'secretsKey', 'personalDataKey'],
  intents: ['internalToken', 'secretsKey', 'personalDataKey'],
  ledger: ['internalToken', 'personalDataKey', 'checkpointPrivateKey'],
  notifications: ['internalToken', 'secretsKey'],
  settlement: ['internalToken', 'secretsKey', 'personalDataKey', 'signerToken'],
  signer: ['signerToken', 'signerPassword'],
};

export async function writeSecretFiles(directory: string): Promise<void> {
  const secrets = await loadSecrets(directory);
  writePublicKey(directory, secrets);
  for (const [service, names] of Object.entries(readers)) {
    const own = join(directory, 'services', service);
    mkdirSync(own, { recursive: true, mode: 0o700 });
    for (const name of names) {
      const file = join(
        own,
        name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      );
      if (!existsSync(file) || statSync(file).size === 0) await replaceFile(file, secrets[name], 0o400);
    }
  }
}

if (require.main === module) {
  const [directory] = process.argv.slice(2);
  if (directory === undefined) {
    process.stderr.write('usage: write-secret-files DIRECTORY\n');
    process.exit(64);
  }
  void writeSecretFiles(directory);
}
