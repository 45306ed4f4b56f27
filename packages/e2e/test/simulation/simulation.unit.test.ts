import { modeOf, simulateProduct } from './simulate-product';

/** All of them where there is time for it; a share on the machine of whoever has changed something. */
const seeds = process.env['CI'] === 'true' ? 300 : 60;

test('one seed gives one run', async () => {
  for (const seed of [1, 2]) {
    const [one, other] = [await simulateProduct(seed, modeOf(seed)), await simulateProduct(seed, modeOf(seed))];
    expect(other).toEqual(one);
    expect((await simulateProduct(seed + 100, modeOf(seed))).trace).not.toBe(one.trace);
  }
});

test(`the product loses, doubles and invents nothing, and comes to an end, in ${seeds} runs`, async () => {
  for (let seed = 0; seed < seeds; seed++) {
    const mode = modeOf(seed);
    const { violation, lastLines } = await simulateProduct(seed, mode);
    if (violation === undefined) continue;
    const again = `npm run simulate -- --of product --seed ${seed} --trace`;
    throw new Error(`seed ${seed} (${mode}): ${violation}\n${lastLines.join('\n')}\n${again}`);
  }
}, 600_000);
