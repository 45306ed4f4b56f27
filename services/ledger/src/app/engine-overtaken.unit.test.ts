import { memoryEventStore, type EventStore } from '@daybook/event-store';
import { fakeClock, testLogger } from '@daybook/testing';
import { bookJournal } from '../adapters/book-journal';
import type { BookCommand } from '../domain/book';
import { createEngine, type EngineOutcome } from './engine';

const tenantId = '11111111-1111-4111-8111-111111111111';
const stream = 'book-sandbox';
/** What an engine that was overtaken has to step down, by the clock of its own timers. */
const withinMs = 1_000;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance'] });
});
afterEach(() => jest.useRealTimers());

function engineOn(store: EventStore) {
  const { logger, lines } = testLogger();
  const fatal: unknown[] = [];
  const engine = createEngine({
    stream,
    openJournal: (name) => bookJournal(store, name),
    now: fakeClock('2026-01-01T00:00:00.000Z'),
    logger,
    onFatal: (error) => fatal.push(error),
    onAppend: (wake) => store.onAppend(wake),
  });
  const steps = () => lines.filter(({ msg }) => msg === 'another writer appended: stepping down to follow it').length;
  return { engine, fatal, steps };
}

const open: BookCommand = {
  type: 'OpenAccount',
  accountId: 'a',
  tenantId,
  asset: 'TXC',
  accountType: 'liability',
  floor: 0n,
};
const issue = (transactionId: string): BookCommand => ({
  type: 'IssueFunds',
  transactionId,
  contentHash: '0'.repeat(64),
  accountId: 'a',
  asset: 'TXC',
  amount: 1n,
});

test.each([
  ['hears of it', true],
  ['does not hear of it', false],
])('T1: an idle engine that was overtaken steps down within a second when it %s', async (_name, hears) => {
  const inner = memoryEventStore();
  const deaf: EventStore = { ...inner, onAppend: () => ({ stop: async () => undefined }) };
  const [winner, loser] = [engineOn(inner), engineOn(hears ? inner : deaf)];
  await winner.engine.start();
  await winner.engine.submit(open);
  await loser.engine.start();
  // At any moment between two looks of its own.
  for (let round = 1; round <= 12; round++) {
    await jest.advanceTimersByTimeAsync(10 * withinMs + round * 130);
    expect(loser.steps()).toBe(round - 1);
    await winner.engine.submit(issue(`t${round}`));
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
  const [winner, loser] = [engineOn(inner), engineOn(frozen)];
  await winner.engine.start();
  await winner.engine.submit(open);
  await loser.engine.start();
  stopped = true;
  const ids = Array.from({ length: 100 }, (_, n) => `t${n}`);
  const answers: EngineOutcome[] = [];
  for (const id of ids) void loser.engine.submit(issue(id)).then((answer) => answers.push(answer));
  await jest.advanceTimersByTimeAsync(5_000);
  // Half of them were sent to the other one too.
  for (const id of ids.slice(50)) await winner.engine.submit(issue(id));
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
