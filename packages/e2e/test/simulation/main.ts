/**
 * Many seeds of the simulations, for nights and for looking into one:
 *
 *   npm run simulate -- --seeds 100000 --from 1 --jobs 2
 *   npm run simulate -- --seeds 1000 --from today
 *   npm run simulate -- --of product --seed 4711 --trace
 *
 * Each seed is a run of the product, of a book and of settlements; `--of` names one of the three. Even seeds are runs for
 * safety, odd ones for liveness. `--from today` takes seeds that no other day takes. Ends with 1 at the first seed that
 * fails, prints the end of its trace and the command that runs it again; `--keep-going` counts the failures instead. Ends
 * with 1 too when something never happened in many runs.
 */
import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import type { Run } from '@daybook/testing';
import { simulateBook } from '../../../../services/ledger/test/simulation/simulate-book';
import { simulateSettlements } from '../../../../services/settlement/test/simulation/simulate-settlements';
import { firstSeedOf, modeOf, simulateProduct } from './simulate-product';

const progressMs = 5_000;
/** In so many runs everything happens that there is. */
const manySeeds = 200;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
    of: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    /** Every so many seeds: the share of one of several processes. */
    step: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
  },
});

type Simulate = (seed: number, onLine?: (line: string) => void) => Promise<Run<Readonly<Record<string, number>>>>;

const simulations: Readonly<Record<string, Simulate>> = {
  product: (seed, onLine) => simulateProduct(seed, modeOf(seed), onLine),
  book: (seed, onLine) => simulateBook(seed, modeOf(seed), onLine),
  settlements: (seed, onLine) => simulateSettlements(seed, onLine),
};

/** One that is drawn from the day is printed as a number, with which it runs again on any day. */
const firstSeed = values.from === 'today' ? firstSeedOf(new Date()) : Number(values.from);

async function main(): Promise<void> {
  if (values.of !== undefined && simulations[values.of] === undefined)
    throw new Error(`--of is one of ${Object.keys(simulations).join(', ')}`);
  const jobs = Number(values.jobs);
  process.exitCode = jobs > 1 && values.seed === undefined ? await share(jobs) : await run();
}

/** In as many processes, each with its share of the seeds. */
async function share(jobs: number): Promise<number> {
  const given = process.argv.slice(2);
  const children = Array.from({ length: jobs }, (_, index) =>
    fork(__filename, [...given, '--jobs', '1', '--step', String(jobs), '--from', String(firstSeed + index)]),
  );
  const codes = await Promise.all(
    children.map(
      (child) =>
        new Promise<number>((resolve) => {
          child.once('exit', (code) => {
            if (code !== 0) for (const other of children) other.kill();
            resolve(code ?? 0);
          });
        }),
    ),
  );
  return Math.max(...codes);
}

async function run(): Promise<number> {
  const first = values.seed === undefined ? firstSeed : Number(values.seed);
  const step = Number(values.step);
  const count = values.seed === undefined ? Math.ceil(Number(values.seeds) / step) : 1;
  const chosen = Object.entries(simulations).filter(([name]) => values.of === undefined || values.of === name);
  const startedMs = performance.now();
  const sums = new Map<string, number>();
  let failures = 0;
  let toldMs = startedMs;
  const report = (done: number) => {
    const rate = ((done * 1_000) / (performance.now() - startedMs)).toFixed(1);
    const parts = [...sums].map(([name, sum]) => `${name} ${sum}`).join(' · ');
    say(`${done} of ${count} seeds from ${first} · ${rate} seeds/s · failed ${failures} · ${parts}`);
  };
  for (let done = 0; done < count; done++) {
    const seed = first + done * step;
    for (const [name, simulate] of chosen) {
      const { result, violation, trace, lastLines } = await simulate(seed, values.trace ? say : undefined);
      for (const [part, sum] of Object.entries(result))
        sums.set(`${name} ${part}`, (sums.get(`${name} ${part}`) ?? 0) + sum);
      if (values.seed !== undefined) say(`${name} ${seed} (${modeOf(seed)}): trace ${trace}`);
      if (violation === undefined) continue;
      failures += 1;
      say(`${name} ${seed} (${modeOf(seed)}): ${violation}`);
      if (values['keep-going']) continue;
      if (!values.trace) for (const line of lastLines) say(line);
      report(done + 1);
      say(`again: npm run simulate -- --of ${name} --seed ${seed} --trace`);
      return 1;
    }
    if (performance.now() - toldMs > progressMs) {
      toldMs = performance.now();
      report(done + 1);
    }
  }
  report(count);
  const never = count < manySeeds ? [] : [...sums].flatMap(([name, sum]) => (sum === 0 ? [name] : []));
  if (never.length > 0) say(`never happened: ${never.join(', ')}`);
  return failures + never.length > 0 ? 1 : 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

void main();
