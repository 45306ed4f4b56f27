/**
 * One run of the whole product: the application code of five services, on one virtual time, with everything between them
 * failing.
 *
 *   safety      faults and crashes without end; then what is stored is examined as it lies there
 *   liveness    the same for a while; then everything answers, one process of each service runs on, and all that was begun
 *               has to come to its end within a bound
 */
import { runWorld, type Run, type World } from '@daybook/testing';
import { customers, type Customers } from './customers';
import { watchFinality } from './finality';
import { nothing, type Happened } from './happened';
import { runMachines } from './machines';
import { createProduct, type Product } from './product';
import { examineProduct } from './product-checks';
import { isSettled, unsettled } from './settled';
import { registerEndpoints } from './endpoints';

export type Mode = 'safety' | 'liveness';

/** By default. */
export function modeOf(seed: number): Mode {
  return seed % 2 === 0 ? 'safety' : 'liveness';
}

/** Where the seeds begin that are of this day alone, in UTC: as many as runs of a day may take. */
export function firstSeedOf(now: Date): number {
  return Math.floor(now.getTime() / 86_400_000) * 100_000;
}

export type ProductRun = Happened & {
  readonly events: number;
  readonly messages: number;
  readonly processes: number;
  readonly crashes: number;
};

/** In virtual time, after the last fault. */
const boundMs = 90_000;

export function simulateProduct(seed: number, mode: Mode, onLine?: (line: string) => void): Promise<Run<ProductRun>> {
  return runWorld(seed, (world) => play(world, mode), onLine);
}

async function play(world: World, mode: Mode): Promise<ProductRun> {
  const product = createProduct(world);
  await registerEndpoints(product);
  watchFinality(product);
  const machines = runMachines(product);
  const asked = customers(product);
  await world.run(product.settings.chaosMs, () => false);
  asked.finish();
  if (mode === 'liveness' && world.violation() === undefined) {
    product.heal();
    machines.settle();
    await settle(world, product, asked);
  }
  const seen = world.violation() === undefined ? await examineProduct(product, asked, mode) : nothingSeen;
  world.note(`end ${JSON.stringify(seen)}`);
  return { ...seen, ...machines.counts() };
}

const nothingSeen = { events: 0, messages: 0, ...nothing };

/** Looked at from time to time: it costs more than a task. */
const lookMs = 500;

async function settle(world: World, product: Product, asked: Customers): Promise<void> {
  const untilMs = world.now() + boundMs;
  while (world.violation() === undefined && world.now() < untilMs) {
    await world.run(world.now() + lookMs, () => false);
    world.after(lookMs, null, () => undefined);
    if (await isSettled(product, asked)) return;
  }
  if (world.violation() === undefined)
    world.violated(`L: not settled after ${boundMs} ms: ${await unsettled(product, asked)}`);
}
