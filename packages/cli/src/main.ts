import { runCli } from './program';

const { stdout, stderr } = process;

void runCli(process.argv.slice(2), {
  env: process.env,
  out: (text) => stdout.write(text),
  err: (text) => stderr.write(text),
  watched: stderr.isTTY ? stderr : null,
  onInterrupt(listener) {
    process.on('SIGINT', listener);
    return () => process.off('SIGINT', listener);
  },
}).then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    stderr.write(`daybook: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 70;
  },
);
