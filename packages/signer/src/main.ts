import { runProgram } from '@daybook/runtime';
import { loadConfig } from './config';
import { createService } from './service';

void runProgram({
  env: process.env,
  loadConfig,
  createService: (config, overrides) => {
    const service = createService(config, overrides);
    return {
      async start() {
        const started = await service.start();
        // A child of another program tells it that it listens, and ends in order when that program is gone.
        process.send?.(started);
        process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
        return started;
      },
      stop: () => service.stop(),
    };
  },
  graceMs: (config) => config.SHUTDOWN_GRACE_MS,
}).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
