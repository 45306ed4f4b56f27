/**
 * `node write-secret-files.js DIRECTORY`: makes an instance's keys, one file a key, for services that run apart and read
 * them by `<SETTING>_FILE`. Keeps what is there.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSecrets } from './secrets';

export async function writeSecretFiles(directory: string): Promise<void> {
  const secrets = await loadSecrets(directory);
  for (const [name, value] of Object.entries(secrets)) {
    const file = join(
      directory,
      name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    );
    if (!existsSync(file)) writeFileSync(file, value, { mode: 0o400 });
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
