import { OperationalError } from '@daybook/core';
import { testLogger } from '@daybook/testing';
import { advancedInTime, inTime, type Wait } from './in-time';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A time that ends when the test says so. */
function patience() {
  const waits: { readonly ms: number; readonly signal: AbortSignal; readonly end: () => void }[] = [];
  const wait: Wait = (ms, _value, { signal }) =>
    new Promise<void>((end) => waits.push({ ms, signal, end: () => end() }));
  return { wait, waits };
}

/** Work that ends when the test says so. */
function work() {
  let [done, fail] = [(_state: object): void => undefined, (_error: Error): void => undefined];
  const promise = new Promise<object>((resolve, reject) => ([done, fail] = [resolve, reject]));
  return { promise, done, fail };
}

function advancing() {
  const { wait, waits } = patience();
  const { promise, done, fail } = work();
  const { logger, lines } = testLogger();
  const told = advancedInTime(
    { advance: () => promise, stateOf: async () => ({ stage: 'recorded' }), logger, wait },
    'TX1',
  );
  const levels = () => lines.map(({ level }) => level);
  return { told, done, fail, levels, late: () => waits[0]?.end() };
}

test('an answer in time is the answer, and nobody waits on; a later one is none', async () => {
  const { wait, waits } = patience();
  expect(await inTime(Promise.resolve('answer'), wait)).toBe('answer');
  const late = inTime(new Promise(() => undefined), wait);
  waits[1]?.end();
  expect(await late).toBeUndefined();
  await expect(inTime(Promise.reject(new Error('no')), wait)).rejects.toThrow('no');
  expect(waits.map(({ ms, signal }) => [ms, signal.aborted])).toEqual(Array.from({ length: 3 }, () => [4_000, true]));
});

test('what does not come on in time, or is not answered, is told as it is recorded', async () => {
  const [quick, silent, lost] = [advancing(), advancing(), advancing()];
  quick.done({ stage: 'advanced' });
  expect(await quick.told).toEqual({ stage: 'advanced' });
  silent.late();
  expect(await silent.told).toEqual({ stage: 'recorded' });
  lost.fail(new OperationalError('upstream_unavailable', true));
  expect(await lost.told).toEqual({ stage: 'recorded' });
  expect([quick, silent, lost].map(({ levels }) => levels())).toEqual([[], [], ['warn']]);
});

test('a contradiction is thrown, or logged when nobody waits any more; an outage is no contradiction', async () => {
  const [waited, left, away] = [advancing(), advancing(), advancing()];
  waited.fail(new Error('contradiction'));
  await expect(waited.told).rejects.toThrow('contradiction');
  for (const { late, told } of [left, away]) {
    late();
    await told;
  }
  left.fail(new Error('contradiction'));
  away.fail(new OperationalError('upstream_timeout', true));
  await turn();
  expect([waited, left, away].map(({ levels }) => levels())).toEqual([[], ['error'], ['warn']]);
});
