/** Processes of a measurement: started, waited for, asked for the time they took of a core, and ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { assert } from '@daybook/core';
import { freePort } from '@daybook/embedded';
import { Client } from 'pg';

const startTimeoutMs = 60_000;
const pollMs = 100;
/** One that does not end by itself. Services finish what they have taken. */
const killAfterMs = 20_000;
/** As docs/performance.md says of services that are to be loaded. */
export const nodeFlags = ['--max-semi-space-size=64', ...(process.env['BENCH_NODE_FLAGS']?.split(' ') ?? [])];

const cleanups = new Set<() => Promise<void>>();

/** To be done when the run is broken off, until it is taken back: what was started must not outlive it. */
export function onBreak(cleanup: () => Promise<void>): { takeBack(): void } {
  cleanups.add(cleanup);
  return { takeBack: () => void cleanups.delete(cleanup) };
}

/** Ends what was started and then this process, when a signal asks for it. */
export function endWithSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void Promise.allSettled([...cleanups].map((cleanup) => cleanup())).then(() => process.exit(2));
    });
  }
}

export type Started = { readonly url: string; readonly child: ChildProcess };

/** Resolves when it is ready to serve. Its log goes to the file. */
export async function startService(
  program: string,
  settings: Readonly<Record<string, string>>,
  logFile: string,
): Promise<Started> {
  const port = await freePort();
  const env = { PATH: process.env['PATH'], HTTP_PORT: String(port), ...settings };
  const child = spawn(process.execPath, [...nodeFlags, program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.pipe(createWriteStream(logFile));
  onBreak(() => ended(child));
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
  const late = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  await exit;
  clearTimeout(late);
}

const microsecondsPerTick = 10_000;

/** Microseconds of a core that the process has taken so far; 0 where the system does not tell. */
export function cpuOf({ pid }: Pick<ChildProcess, 'pid'>): number {
  return pid === undefined ? 0 : (statOf(pid)?.microseconds ?? 0);
}

/** The server behind a connection, whose backends are its children. */
export async function serverOf(databaseUrl: string): Promise<number> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    return statOf(rows[0]?.pid ?? 0)?.parent ?? 0;
  } finally {
    await client.end();
  }
}

/** The same of all that the process has started and that run: of a Postgres server, its backends. */
export function cpuOfChildren(parent: number): number {
  if (process.platform !== 'linux') return 0;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const stats = pids.map((pid) => statOf(Number(pid)));
  return stats.reduce((sum, stat) => (stat?.parent === parent ? sum + stat.microseconds : sum), 0);
}

function statOf(pid: number): { readonly parent: number; readonly microseconds: number } | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name, which may have blanks: the parent is the second, utime and stime the twelfth and thirteenth.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), microseconds: (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick };
  } catch {
    // It has ended.
    return undefined;
  }
}
