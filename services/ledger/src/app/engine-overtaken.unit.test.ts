import { memoryEventStore, type EventStore } from '@daybook/event-store';
import { engineOn, issue, open, stream } from '../../test/engine-rig';
import type { BookCommand } from '../domain/book';
import type { EngineOutcome } from './engine';

/** What an engine that was overtaken has to step down, by the clock of its own timers. */
const withinMs = 1_000;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance'] });
});
afterEach(() => jest.useRealTimers());

function followerOn(store: EventStore) {
  const { engine, fatal, lines } = engineOn(store, { follows: true });
  const steps = () => lines.filter(({ msg }) => msg === 'another writer appended: stepping down to follow it').length;
  return { engine, fatal, steps };
}

const issued = (transactionId: string) => ({ ...issue(1n), transactionId }) as BookCommand;

test.each([
  ['hears of it', true],
  ['does not hear of it', false],
])('T1: an idle engine that was overtaken steps down within a second when it %s', async (_name, hears) => {
  const inner = memoryEventStore();
  const deaf: EventStore = { ...inner, onAppend: () => ({ stop: async () => undefined }) };
  const [winner, loser] = [followerOn(inner), followerOn(hears ? inner : deaf)];
  await winner.engine.start();
  await winner.engine.submit(open('a'));
  await loser.engine.start();
  // At any moment between two looks of its own.
  for (let round = 1; round <= 12; round++) {
    await jest.advanceTimersByTimeAsync(10 * withinMs + round * 130);
    expect(loser.steps()).toBe(round - 1);
    await winner.engine.submit(issued(`t${round}`));
    await jest.advanceTimersByTimeAsync(withinMs);
    expect(loser.steps()).toBe(round);
  }
  expect(await loser.engine.read((state) => state.accounts.get('a')?.posted)).toBe(12n);
  await Promise.all([winner.engine.stop(), loser.engine.stop()]);
  expect([...winner.fatal, ...loser.fatal]).toEqual([]);
});

test('T2: an engine that was stopped for ten seconds with an append in its hands steps down within a second', async () => {
  const inner = memoryEventStore();
  let stopped = false;
  const frozen: EventStore = {
    ...inner,
    async append(...append) {
      if (stopped) await new Promise((resolve) => setTimeout(resolve, 10_000));
      return inner.append(...append);
    },
  };
  const [winner, loser] = [followerOn(inner), followerOn(frozen)];
  await winner.engine.start();
  await winner.engine.submit(open('a'));
  await loser.engine.start();
  stopped = true;
  const ids = Array.from({ length: 100 }, (_, n) => `t${n}`);
  const answers: EngineOutcome[] = [];
  for (const id of ids) void loser.engine.submit(issued(id)).then((answer) => answers.push(answer));
  await jest.advanceTimersByTimeAsync(5_000);
  // Half of them were sent to the other one too.
  for (const id of ids.slice(50)) await winner.engine.submit(issued(id));
  await jest.advanceTimersByTimeAsync(4_900);
  expect(answers).toEqual([]);
  stopped = false;
  await jest.advanceTimersByTimeAsync(100 + withinMs);
  // All have their answers, on top of what the other one wrote.
  expect(answers.map((answer) => answer.ok && answer.replayed)).toEqual(ids.map((_, n) => n >= 50));
  expect(await winner.engine.read((state) => state.accounts.get('a')?.posted)).toBe(100n);
  expect(await inner.readStream(stream)).toHaveLength(1 + 1 + 100);
  await Promise.all([winner.engine.stop(), loser.engine.stop()]);
  expect([...winner.fatal, ...loser.fatal]).toEqual([]);
});
