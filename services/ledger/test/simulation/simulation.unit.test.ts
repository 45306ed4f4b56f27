import { modeOf, simulateBook } from './simulate-book';

const seeds = 300;

test('one seed gives one run', async () => {
  for (const seed of [1, 2, 3, 4]) {
    const [one, other] = [await simulateBook(seed, modeOf(seed)), await simulateBook(seed, modeOf(seed))];
    expect(other).toEqual(one);
    expect((await simulateBook(seed + 100, modeOf(seed))).trace).not.toBe(one.trace);
  }
});

test(`nothing is lost, doubled or made up in ${seeds} runs`, async () => {
  for (let seed = 0; seed < seeds; seed++) {
    const mode = modeOf(seed);
    const { violation, lastLines } = await simulateBook(seed, mode);
    if (violation !== undefined) throw new Error(`seed ${seed} (${mode}): ${violation}\n${lastLines.join('\n')}`);
  }
}, 600_000);
