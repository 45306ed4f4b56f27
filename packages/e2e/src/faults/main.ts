/**
 * `npm run test:faults -- --seed N --runs N --minutes N --keep DIRECTORY`: runs from the seed on, as many as are asked for and
 * begin within the time. Ends with 1 when something was violated or a kind of fault never met anything, and with 2 when there
 * could be no runs. `--keep` is where the logs of runs with violations go.
 */
import { parseArgs } from 'node:util';
import { jvmKafkaIsPossible } from '@daybook/testing';
import { endWithOutside, isInside, isolationMissing, runInside } from './isolation';
import { openLab, type Lab } from './lab';
import { faultKinds, planOf, type FaultKind, type Plan } from './plan';
import { jsonLineOf, lineOf, neverFelt, summaryOf, type Failed } from './report';
import { runOnce, type RunResult } from './run';
import { openSystem, type System } from './system';
import { makeTemplate } from './template';

const runsDefault = 12;
const runsPerSystem = 12;
const minuteMs = 60_000;
/** A run that takes longer hangs. */
const runMaxMs = 8 * minuteMs;
/** For coming up and going down. */
const aroundMs = 5 * minuteMs;

type Options = {
  readonly seed: number;
  readonly runs: number;
  readonly minutes: number;
  readonly keep: string | undefined;
};

const say = (line: string) => process.stdout.write(`${line}\n`);
const tell = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const options = optionsOf(process.argv.slice(2));
  if (isInside()) {
    endWithOutside();
    return runAll(options, faultKinds);
  }
  if (!jvmKafkaIsPossible()) {
    tell('Kafka is not to be had here: there is no Java, or neither the broker nor Maven to fetch it');
    return 2;
  }
  const missing = isolationMissing();
  if (missing === undefined) {
    const mostMs = Math.min(options.minutes * minuteMs, options.runs * runMaxMs) + runMaxMs + aroundMs;
    return runInside(__filename, process.argv.slice(2), mostMs);
  }
  tell(`no disk can be filled here: ${missing}`);
  return runAll(
    options,
    faultKinds.filter((kind) => kind !== 'disk-full'),
  );
}

function optionsOf(args: readonly string[]): Options {
  const options = {
    seed: { type: 'string', default: '0' },
    runs: { type: 'string' },
    minutes: { type: 'string' },
    keep: { type: 'string' },
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  const minutes = values.minutes === undefined ? Infinity : wholeOf('minutes', values.minutes);
  const unbounded = values.minutes === undefined ? runsDefault : Infinity;
  const runs = values.runs === undefined ? unbounded : wholeOf('runs', values.runs);
  return { seed: wholeOf('seed', values.seed), runs, minutes, keep: values.keep };
}

function wholeOf(name: string, given: string): number {
  const value = Number(given);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} ${given} is not a whole number`);
  return value;
}

async function runAll(options: Options, available: readonly FaultKind[]): Promise<number> {
  const lab = await openLab();
  const results: (RunResult | Failed)[] = [];
  try {
    await makeTemplate(lab);
    await runInTurn(lab, options, available, (result) => {
      results.push(result);
      say(jsonLineOf(result));
      tell(lineOf(result));
    });
  } finally {
    say(`\n${summaryOf(results, available)}`);
    await lab.close();
  }
  const isSound = results.every(({ violations }) => violations.length === 0) && neverFelt(results).length === 0;
  return isSound ? 0 : 1;
}

/** A system with a violation is no place for another run. */
async function runInTurn(
  lab: Lab,
  { seed: firstSeed, runs, minutes, keep }: Options,
  available: readonly FaultKind[],
  over: (result: RunResult | Failed) => void,
): Promise<void> {
  const until = performance.now() + minutes * minuteMs;
  const goesOn = (seed: number) => seed - firstSeed < runs && performance.now() < until;
  for (let seed = firstSeed; goesOn(seed);) {
    await lab.heal();
    const system = await openSystem(lab, seed);
    let isSound = true;
    for (let run = 0; run < runsPerSystem && isSound && goesOn(seed); run++, seed++) {
      const result = await oneRun(lab, system, planOf(seed, available));
      isSound = result.violations.length === 0;
      over(result);
    }
    await system.close(isSound ? undefined : keep);
  }
}

/** What a run throws, and that it does not end, are violations too. */
async function oneRun(lab: Lab, system: System, plan: Plan): Promise<RunResult | Failed> {
  const { firstSeed } = system;
  const { seed } = plan;
  let late: NodeJS.Timeout | undefined;
  const hangs = new Promise<Failed>((resolve) => {
    const violations = [`hangs: not over after ${runMaxMs} ms`];
    late = setTimeout(() => resolve({ seed, firstSeed, violations }), runMaxMs);
  });
  try {
    return await Promise.race([runOnce(lab, system, plan), hangs]);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { seed, firstSeed, violations: [`broke off: ${text}`] };
  } finally {
    clearTimeout(late);
  }
}

main().then(
  // Not only the code: what hangs must not keep the process.
  (code) => process.exit(code),
  (error: unknown) => {
    tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(2);
  },
);
