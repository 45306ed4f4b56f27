import { runProgram, startFailure } from '@daybook/runtime';
import { loadConfig } from './config';
import { createStandalone } from './standalone';

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
    process.stderr.write(`${startFailure(error)}\n`);
    process.exit(1);
  },
);
