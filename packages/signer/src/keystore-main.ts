/**
 * `node keystore-main.js DIRECTORY [--import]`: the key ceremony of a signer that holds real money. It makes a keystore with
 * a new key and shows its 24 words once, to be kept on paper; or, with --import, takes the words from standard input. The
 * password is KEYSTORE_PASSWORD, or in the file that KEYSTORE_PASSWORD_FILE names.
 */
import { ConfigError, parseConfig, Secret, type Environment } from '@daybook/runtime';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { configSchema } from './config';
import { createKeystore, KeystoreError, newPhrase } from './keystore';

const schema = z.object({ KEYSTORE_PASSWORD: configSchema.shape.KEYSTORE_PASSWORD });
const usage = 'usage: keystore-main DIRECTORY [--import]\n';

/** Exit codes: 0, 1 when there is a keystore or the words are wrong, 64 for wrong arguments or settings. */
export async function keyCeremony(program: {
  readonly args: readonly string[];
  readonly env: Environment;
  readonly words: () => Promise<string>;
  readonly print: (line: string) => void;
}): Promise<number> {
  const { args, env, words, print } = program;
  const [directory, option, ...more] = args;
  if (directory === undefined || (option !== undefined && option !== '--import') || more.length > 0) {
    print(usage);
    return 64;
  }
  try {
    const { KEYSTORE_PASSWORD: password } = parseConfig(schema, env);
    const isImport = option === '--import';
    const phrase = isImport ? new Secret(await words()) : await newPhrase();
    const { keyId } = await createKeystore(directory, phrase, password);
    print(`keystore of key ${keyId} made in ${directory}\n`);
    if (!isImport) print(`Write these words down. They are not shown again:\n\n${phrase.reveal()}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof KeystoreError) && !(error instanceof ConfigError)) throw error;
    print(`${error.message}\n`);
    return error instanceof ConfigError ? 64 : 1;
  }
}

if (require.main === module) {
  const print = (line: string) => void process.stdout.write(line);
  void keyCeremony({ args: process.argv.slice(2), env: process.env, words: () => text(process.stdin), print }).then(
    (code) => (process.exitCode = code),
  );
}
