/**
 * `npm run bench`: measures the ledger against its yardsticks, one JSON line per result and a table at the end. Ends
 * with 1 when a bar is missed and with 2 when it could not measure. docs/performance.md tells how to read it.
 */
import { spawn } from 'node:child_process';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { goals, type GoalName } from './goals';
import { verdictOf, type Result } from './measure';
import { jsonLineOf, tableOf } from './report';
import { openServer, type Server } from './server';

const say = (line: string) => process.stdout.write(`${line}\n`);
const tell = (line: string) => process.stderr.write(`${line}\n`);

/**
 * Thousands of commands are in flight, and what is in flight survives a collection of the young generation if that has
 * room for little more: then it is copied again and again. The services are to be run with it too.
 */
const memoryFlags = ['--max-semi-space-size=64'];

/** Starts itself with the flags, which have no effect on a process that runs. */
function runWithFlags(): void {
  // The channel tells it when this process is killed.
  const child = spawn(process.execPath, [...memoryFlags, __filename, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  child.once('exit', (code, signal) => (process.exitCode = signal === null ? (code ?? 2) : 2));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
}

/** Postgres would outlive this process. */
function stopWhenBroken(server: Server): void {
  const stop = () => void server.stop().finally(() => process.exit(2));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  process.once('disconnect', stop);
  process.channel?.unref();
}

async function main(): Promise<void> {
  if (!memoryFlags.every((flag) => process.execArgv.includes(flag))) {
    runWithFlags();
    return;
  }
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      accounts: { type: 'string', default: '10000' },
      events: { type: 'string', default: '5000000' },
    },
  });
  const only = values.only?.split(',') ?? Object.keys(goals);
  const unknown = only.filter((name) => !Object.hasOwn(goals, name));
  if (unknown.length > 0) throw new Error(`no such goal: ${unknown.join()}; there are ${Object.keys(goals).join()}`);
  const options = {
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    accounts: positive('accounts', values.accounts),
    events: positive('events', values.events),
  };
  const context = { node: process.version, cpu: cpus()[0]?.model ?? '', cpus: cpus().length, kernel: release() };
  tell('starting Postgres');
  const server = await openServer({ url: process.env['DATABASE_URL'] });
  stopWhenBroken(server);
  const results: Result[] = [];
  try {
    // Two names may be measured in one go.
    const chosen = new Set((only as GoalName[]).map((name) => goals[name]));
    for (const goal of chosen) {
      tell(`measuring ${only.filter((name) => goals[name as GoalName] === goal).join(' and ')}`);
      for (const result of await goal({ ...options, server, tell })) {
        results.push(result);
        say(jsonLineOf(result, { ...options, ...context }));
      }
    }
  } finally {
    await server.stop();
  }
  say(`\n${tableOf(results)}`);
  if (results.some((result) => verdictOf(result) === 'missed')) process.exitCode = 1;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is to be a whole number from 1`);
  return value;
}

main().catch((error: unknown) => {
  tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 2;
});
