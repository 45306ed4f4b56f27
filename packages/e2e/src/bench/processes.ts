/** Processes of a measurement: started, waited for, asked for the time they took of a core, and ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { assert } from '@daybook/core';

const startTimeoutMs = 60_000;
const pollMs = 100;
/** As docs/performance.md says of services that are to be loaded. */
const nodeFlags = ['--max-semi-space-size=64'];

export type Started = { readonly url: string; readonly child: ChildProcess };

/** Resolves when it is ready to serve. Its log goes to the file. */
export async function startService(
  program: string,
  settings: Readonly<Record<string, string>>,
  logFile: string,
): Promise<Started> {
  const port = await freePort();
  const env = { PATH: process.env['PATH'], HTTP_PORT: String(port), ...settings };
  const flags = [...nodeFlags, ...(process.env['BENCH_NODE_FLAGS']?.split(' ') ?? [])];
  const child = spawn(process.execPath, [...flags, program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.pipe(createWriteStream(logFile));
  const url = `http://127.0.0.1:${port}`;
  const until = Date.now() + startTimeoutMs;
  for (;;) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok === true) return { url, child };
    assert(child.exitCode === null && Date.now() < until, `${program} does not get ready`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

const microsecondsPerTick = 10_000;

/** Microseconds of a core that the process has taken so far; 0 where the system does not tell. */
export function cpuOf({ pid }: ChildProcess): number {
  if (process.platform !== 'linux' || pid === undefined) return 0;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Behind the name, which may have blanks: utime and stime are the twelfth and thirteenth.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
