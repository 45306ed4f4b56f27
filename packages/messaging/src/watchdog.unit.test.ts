import { OperationalError } from '@daybook/core';
import { testLogger, testMetrics } from '@daybook/testing';
import type { Pool } from 'pg';
import { postgresConsumerTables, type Progress } from './consumer-tables';
import type { Transport } from './transport';
import { createWatchdog } from './watchdog';

const stallMs = 60_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const standstill = (): Progress => ({ next: 3n, aliveAt: 'then' });

/** Watches one partition that ends at 10. `progress` is what is asked of the tables. */
function watched(progress: () => Progress, verify?: Transport['verify']) {
  const fatal: unknown[] = [];
  const tables = {
    ...postgresConsumerTables,
    readProgress: async () => new Map([[0, progress()]]),
    countParked: async () => 0,
  };
  const transport = { ends: async () => new Map([[0, 10n]]), verify } as unknown as Transport;
  const deps = { pool: {} as Pool, tables, transport, logger: testLogger().logger, metrics: testMetrics(), stallMs };
  const watchdog = createWatchdog({ ...deps, onFatal: (error) => void fatal.push(error) }, { group: 'g', topic: 't' });
  watchdog.start();
  return { fatal, watchdog };
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
  const { fatal } = watched(standstill, async () => {
    if (refusal) throw refusal;
  });
  await jest.advanceTimersByTimeAsync(5 * stallMs);
  expect(fatal).toEqual([]);
  refusal = undefined;
  await jest.advanceTimersByTimeAsync(stallMs);
  expect(fatal).toEqual([]);
  await jest.advanceTimersByTimeAsync(stallMs / 4);
  expect(fatal).toHaveLength(1);
});
