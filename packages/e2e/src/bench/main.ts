/**
 * `npm run bench`: the goals of the engine by its own bench, and those over HTTP by this one. One JSON line per result
 * and a table at the end of each. Ends with 1 when a bar is missed and with 2 when it could not measure.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { verdictOf, type Result } from '@services/ledger/dist/bench/measure';
import { jsonLineOf, tableOf } from '@services/ledger/dist/bench/report';
import { overHttp, type HttpOptions } from './goal-http';
import { fromDurableToTold } from './goal-visible';
import { ended, endWithSignals, onBreak } from './processes';

const engineBench = join(__dirname, '../../../../services/ledger/dist/bench/main.js');
const goals: Readonly<Record<string, (options: HttpOptions) => Promise<Result[]>>> = {
  g5: overHttp,
  g10: fromDurableToTold,
};

const say = (line: string) => process.stdout.write(`${line}\n`);
const tell = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  endWithSignals();
  const options = {
    only: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    rate: { type: 'string' },
  } as const;
  const { values } = parseArgs({ options, strict: false, allowPositionals: true });
  const only = typeof values.only === 'string' ? values.only.split(',') : null;
  const ours = Object.keys(goals).filter((name) => only?.includes(name) ?? true);
  const engines = only?.filter((name) => !Object.hasOwn(goals, name));
  if (engines === undefined || engines.length > 0) await runEngineBench(engines);
  const results: Result[] = [];
  const measured = {
    rounds: wholeOf(values.rounds, 5),
    seconds: wholeOf(values.seconds, 3),
    perSecond: wholeOf(values.rate, 1_000),
  };
  const context = { node: process.version, cpu: cpus()[0]?.model ?? '', cpus: cpus().length, kernel: release() };
  for (const name of ours) {
    tell(`measuring ${name}`);
    for (const result of (await goals[name]?.({ ...measured, tell })) ?? []) {
      results.push(result);
      say(jsonLineOf(result, { ...measured, ...context }));
    }
  }
  if (results.length > 0) say(`\n${tableOf(results)}`);
  if (results.some((result) => verdictOf(result) === 'missed')) process.exitCode = 1;
}

/** With the arguments as they are, but for the goals that are not its own. */
async function runEngineBench(only: readonly string[] | undefined): Promise<void> {
  const given = process.argv.slice(2);
  const at = given.indexOf('--only');
  const args = only === undefined ? given : [...given.slice(0, at), '--only', only.join(), ...given.slice(at + 2)];
  const child = spawn(process.execPath, [engineBench, ...args], { stdio: 'inherit' });
  const broken = onBreak(() => ended(child));
  const [code] = (await once(child, 'exit')) as [number | null];
  broken.takeBack();
  if (code !== 0) process.exitCode = code ?? 2;
}

function wholeOf(given: string | boolean | undefined, fallback: number): number {
  if (given === undefined) return fallback;
  const value = Number(given);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${String(given)} is not a whole number from 1`);
  return value;
}

main().catch((error: unknown) => {
  tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 2;
});
