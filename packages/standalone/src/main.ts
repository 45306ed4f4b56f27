import { inspect } from 'node:util';
import { runProgram } from '@daybook/runtime';
import { loadConfig } from './config';
import { createStandalone } from './standalone';
import { refusalIn } from './start-refusal';

void runProgram({
  env: process.env,
  loadConfig,
  createService: (config, overrides) => {
    const standalone = createStandalone(config, overrides);
    return {
      async start() {
        const { url } = await standalone.start();
        process.stdout.write(`Daybook ready on ${url}\n`);
        return { url };
      },
      stop: () => standalone.stop(),
    };
  },
  graceMs: (config) => config.SHUTDOWN_GRACE_MS,
}).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${refusalIn(error)?.message ?? inspect(error)}\n`);
    process.exit(1);
  },
);
