/**
 * Many seeds of the simulation, for nights and for looking into one:
 *
 *   npm run simulate -- --seeds 100000 --from 1
 *   npm run simulate -- --seed 4711 --trace
 *
 * Even seeds are runs for safety, odd ones for liveness. Ends at the first seed that fails, with 1.
 */
import { parseArgs } from 'node:util';
import { modeOf, simulateBook, type BookRun } from './simulate-book';

const progressMs = 5_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const first = Number(values.seed ?? values.from);
  const count = values.seed === undefined ? Number(values.seeds) : 1;
  const startedMs = performance.now();
  const sums: BookRun = { events: 0, attempts: 0, answered: 0, crashes: 0, processes: 0 };
  let toldMs = startedMs;
  const report = (done: number) => {
    const rate = (done * 1_000) / (performance.now() - startedMs);
    const { attempts, answered, events, crashes, processes } = sums;
    say(
      `${done} of ${count} seeds · ${rate.toFixed(1)} seeds/s · ` +
        `${attempts} attempts, ${answered} answered · ${events} events · ${processes} processes, ${crashes} crashes`,
    );
  };
  for (let done = 0; done < count; done++) {
    const seed = first + done;
    const { result, violation, trace } = await simulateBook(seed, modeOf(seed), values.trace ? say : undefined);
    for (const name of Object.keys(sums) as (keyof BookRun)[])
      Object.assign(sums, { [name]: sums[name] + result[name] });
    if (violation !== undefined) {
      report(done + 1);
      say(`seed ${seed} (${modeOf(seed)}): ${violation}`);
      say(`again: npm run simulate -- --seed ${seed} --trace`);
      process.exitCode = 1;
      return;
    }
    if (values.seed !== undefined) say(`seed ${seed} (${modeOf(seed)}): trace ${trace}`);
    if (performance.now() - toldMs > progressMs) {
      toldMs = performance.now();
      report(done + 1);
    }
  }
  report(count);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

void main();
