import { simulateSettlements } from './simulate-settlements';

const seeds = 200;

test('one seed gives one run', async () => {
  const [one, other] = [await simulateSettlements(7), await simulateSettlements(7)];
  expect(other).toEqual(one);
  expect((await simulateSettlements(8)).trace).not.toBe(one.trace);
});

test(`every settlement completes, once, in ${seeds} runs of repeated and late messages, lost answers and crashes`, async () => {
  for (let seed = 0; seed < seeds; seed++) {
    const { violation, lastLines } = await simulateSettlements(seed);
    if (violation !== undefined) throw new Error(`seed ${seed}: ${violation}\n${lastLines.join('\n')}`);
  }
}, 600_000);
