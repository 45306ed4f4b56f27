import { setTimeout as delay } from 'node:timers/promises';
import { runCli } from './program';

const { stdout, stderr } = process;
const interrupts = ['SIGINT', 'SIGTERM'] as const;

// Whoever reads has had enough, as `head`: nothing more is to be said.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

void runCli(process.argv.slice(2), {
  env: process.env,
  out: (text) => stdout.write(text),
  err: (text) => stderr.write(text),
  watched: stderr.isTTY ? stderr : null,
  onInterrupt(listener) {
    for (const signal of interrupts) process.on(signal, listener);
    return () => void interrupts.forEach((signal) => process.off(signal, listener));
  },
  now: () => performance.now(),
  wait: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
}).then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    stderr.write(`daybook: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 70;
  },
);
