import { OperationalError } from '@daybook/core';
import { start } from '@daybook/event-store';
import { testLogger, testMetrics } from '@daybook/testing';
import type { Pool } from 'pg';
import { postgresConsumerTables, type Progress } from './consumer-tables';
import type { Transport } from './transport';
import { createWatchdog } from './watchdog';

const stallMs = 60_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const standstill = (): Progress => ({ next: 3n, aliveAt: 'then' });

type World = Pick<Transport, 'verify' | 'begins'> & Partial<Record<'tail' | 'touchOffset', () => Promise<void>>>;

/** Watches one partition that ends at 10. `progress` is what is asked of the tables. */
function watched(progress: () => Progress, { tail, touchOffset = async () => undefined, ...topics }: World = {}) {
  const fatal: unknown[] = [];
  const { logger, lines } = testLogger();
  const tables = {
    ...postgresConsumerTables,
    readProgress: async () => new Map([[0, progress()]]),
    countParked: async () => 0,
    touchOffset,
  };
  const transport = { ends: async () => new Map([[0, 10n]]), ...topics } as unknown as Transport;
  const store = tail && { tail: async () => (await tail(), start) };
  const deps = {
    pool: {} as Pool,
    tables,
    transport,
    logger,
    metrics: testMetrics(),
    stallMs,
    ...(store && { store }),
  };
  const watchdog = createWatchdog({ ...deps, onFatal: (error) => void fatal.push(error) }, { group: 'g', topic: 't' });
  watchdog.start();
  return { fatal, watchdog, lines };
}

test('a consumer that lags and shows no sign of life ends the process, once', async () => {
  const { fatal } = watched(standstill);
  await jest.advanceTimersByTimeAsync(stallMs / 2);
  expect(fatal).toEqual([]);
  await jest.advanceTimersByTimeAsync(stallMs);
  expect(fatal).toHaveLength(1);
  await jest.advanceTimersByTimeAsync(5 * stallMs);
  expect(fatal).toHaveLength(1);
});

test.each<[string, () => Progress]>([
  ['is at the end', () => ({ next: 10n, aliveAt: 'then' })],
  ['tries the same message again and again', () => ({ next: 3n, aliveAt: String(performance.now()) })],
  ['is slow', () => ({ next: BigInt(Math.floor(performance.now() / stallMs)) % 10n, aliveAt: 'then' })],
])('one that %s does not', async (_name, progress) => {
  const { fatal, watchdog } = watched(progress);
  await jest.advanceTimersByTimeAsync(5 * stallMs);
  expect(fatal).toEqual([]);
  watchdog.stop();
});

test('one whose topics are not as declared ends no process, and has the whole time once they are', async () => {
  let refusal: Error | undefined = new OperationalError('topics_not_as_declared', true);
  const verify = async () => {
    if (refusal) throw refusal;
  };
  const { fatal } = watched(standstill, { verify });
  await jest.advanceTimersByTimeAsync(5 * stallMs);
  expect(fatal).toEqual([]);
  refusal = undefined;
  await jest.advanceTimersByTimeAsync(stallMs);
  expect(fatal).toEqual([]);
  await jest.advanceTimersByTimeAsync(stallMs / 4);
  expect(fatal).toHaveLength(1);
});

test('one whose next messages are gone says so each time, and ends no process; once they are there it may', async () => {
  let begin = 10n;
  const { fatal, lines } = watched(standstill, { begins: async () => new Map([[0, begin]]) });
  await jest.advanceTimersByTimeAsync(5 * stallMs);
  expect(fatal).toEqual([]);
  const missing = { msg: 'messages are missing; publish them again', group: 'g', topic: 't', partition: 0 };
  expect(lines.length).toBeGreaterThan(2);
  for (const line of lines) expect(line).toMatchObject(missing);
  begin = 3n;
  await jest.advanceTimersByTimeAsync(2 * stallMs);
  expect(fatal).toHaveLength(1);
});

test.each(['tail', 'touchOffset'] as const)('one that nothing can be stored by (%s) ends no process', async (asked) => {
  let away = true;
  const answer = async () => {
    if (away) throw new OperationalError('store_unavailable', true);
  };
  const { fatal, lines } = watched(standstill, { [asked]: answer });
  await jest.advanceTimersByTimeAsync(5 * stallMs);
  expect(fatal).toEqual([]);
  expect(lines[0]).toMatchObject({ msg: 'nothing can be stored; lag proves nothing', group: 'g' });
  away = false;
  await jest.advanceTimersByTimeAsync(2 * stallMs);
  expect(fatal).toHaveLength(1);
});
