import { firstSeedOf, modeOf, simulateProduct, type ProductRun } from './simulate-product';

/** The same on every machine and day. */
const fixed = 60;
/** Where there is time: others each day. One that fails is printed with the command that runs it again on any day. */
const daily = process.env['CI'] === 'true' ? 240 : 0;

/** About half of what the fixed seeds come to: rules that hold of what hardly happens say little. */
const floors: ProductRun = {
  events: 2_000,
  messages: 1_000,
  intents: 70,
  settled: 15,
  expired: 8,
  underpaid: 2,
  confirmedDeposits: 35,
  reverts: 5,
  transfers: 75,
  confirmedTransfers: 75,
  refusedTransfers: 20,
  bulks: 18,
  refusedBulks: 10,
  settlements: 15,
  webhooks: 300,
  processes: 450,
  crashes: 120,
};

test('one seed gives one run', async () => {
  for (const seed of [1, 2]) {
    const [one, other] = [await simulateProduct(seed, modeOf(seed)), await simulateProduct(seed, modeOf(seed))];
    expect(other).toEqual(one);
    expect((await simulateProduct(seed + 100, modeOf(seed))).trace).not.toBe(one.trace);
  }
});

test('one seed gives one run in every process: nothing in it is of the moment at which modules are loaded', async () => {
  const { trace } = await simulateProduct(1, modeOf(1));
  const again = { simulateProduct };
  jest.isolateModules(() => {
    Object.assign(again, jest.requireActual<object>('./simulate-product'));
  });
  expect(again.simulateProduct).not.toBe(simulateProduct);
  expect((await again.simulateProduct(1, modeOf(1))).trace).toBe(trace);
}, 60_000);

async function runOf(seed: number): Promise<ProductRun> {
  const mode = modeOf(seed);
  const { result, violation, lastLines } = await simulateProduct(seed, mode);
  if (violation === undefined) return result;
  const again = `npm run simulate -- --of product --seed ${seed} --trace`;
  throw new Error(`seed ${seed} (${mode}): ${violation}\n${lastLines.join('\n')}\n${again}`);
}

test(`the product loses, doubles and invents nothing, and comes to an end, in ${fixed + daily} runs`, async () => {
  const parts = Object.keys(floors) as (keyof ProductRun)[];
  const sums = new Map(parts.map((part) => [part, 0]));
  for (let seed = 0; seed < fixed; seed++) {
    const run = await runOf(seed);
    for (const part of parts) sums.set(part, sums.get(part)! + run[part]);
  }
  expect(parts.filter((part) => sums.get(part)! < floors[part]).map((part) => `${part} ${sums.get(part)}`)).toEqual([]);
  const first = firstSeedOf(new Date());
  for (let seed = first; seed < first + daily; seed++) await runOf(seed);
}, 600_000);
