/**
 * `npm run bench`: the goals of the engine by its own bench, and those over HTTP by this one. One JSON line per result
 * and a table at the end of each. Ends with 1 when a bar is missed and with 2 when it could not measure.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { verdictOf, type Result } from '@services/ledger/dist/bench/measure';
import { jsonLineOf, tableOf } from '@services/ledger/dist/bench/report';
import { overHttp, type HttpOptions } from './goal-http';
import { fromDurableToTold } from './goal-visible';
import { benchOptionsOf } from './options';
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
  const { ours, engine, ...measured } = benchOptionsOf(process.argv.slice(2), Object.keys(goals));
  if (engine !== null && !(await engineMeasures(engine))) return;
  const results: Result[] = [];
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

/** False when it could not. */
async function engineMeasures(args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, [engineBench, ...args], { stdio: 'inherit' });
  const broken = onBreak(() => ended(child));
  const [code] = (await once(child, 'exit')) as [number | null];
  broken.takeBack();
  const couldMeasure = code === 0 || code === 1;
  process.exitCode = couldMeasure ? code : 2;
  return couldMeasure;
}

main().catch((error: unknown) => {
  tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 2;
});
