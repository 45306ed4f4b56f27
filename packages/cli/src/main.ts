import { setTimeout as delay } from 'node:timers/promises';
import { runCli } from './program';
import { standardStreams } from './standard-streams';

const { stderr } = process;
const interrupts = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const streams = standardStreams(process);

void runCli(process.argv.slice(2), {
  env: process.env,
  out: streams.out,
  err: streams.err,
  watched: stderr.isTTY ? stderr : null,
  onInterrupt(listener) {
    for (const signal of interrupts) process.on(signal, listener);
    return () => void interrupts.forEach((signal) => process.off(signal, listener));
  },
  now: () => performance.now(),
  wait: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
})
  .catch((error: unknown) => {
    streams.err(`daybook: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 70;
  })
  .then(async (code) => (process.exitCode = await streams.settle(code)));
