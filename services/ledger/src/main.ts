import { runProgram } from '@daybook/runtime';
import { loadConfig } from './config';
import { createService } from './service';

runProgram({ env: process.env, loadConfig, createService, graceMs: (config) => config.SHUTDOWN_GRACE_MS }).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
