import { OperationalError } from '@daybook/core';
import { eventually, testLogger } from '@daybook/testing';
import { dueWorker } from './due-worker';

const start = Date.parse('2026-03-01T10:00:00.000Z');
const now = () => new Date(start);

/** Runs the worker over the passes given, then over passes that find nothing. */
function workerOver(passes: readonly (() => Promise<Date | null>)[]) {
  const { logger, lines } = testLogger();
  const fatal: unknown[] = [];
  let begun = 0;
  let inside = 0;
  let overlapped = false;
  const pass = async () => {
    overlapped ||= inside > 0;
    inside += 1;
    try {
      return await (passes[begun++]?.() ?? Promise.resolve(null));
    } finally {
      inside -= 1;
    }
  };
  const worker = dueWorker({ name: 'test', pass, now, logger, onFatal: (error) => fatal.push(error) });
  return { worker, lines, fatal, begun: () => begun, overlapped: () => overlapped };
}

describe('due worker', () => {
  test('begins the next pass at the next deadline, and never two at once', async () => {
    const soon = async () => new Date(start + 5);
    const run = workerOver(Array.from({ length: 6 }, () => soon));
    await run.worker.start();
    // Six pauses of a second each would not fit.
    await eventually(() => expect(run.begun()).toBeGreaterThanOrEqual(6), { timeoutMs: 2_000 });
    await run.worker.stop();
    expect(run.overlapped()).toBe(false);
    const atStop = run.begun();
    await new Promise((resolve) => setImmediate(resolve));
    expect(run.begun()).toBe(atStop);
  });

  test('outlives an outage of the store', async () => {
    const outage = () => Promise.reject(new OperationalError('store_unavailable', true));
    const run = workerOver([outage]);
    await run.worker.start();
    await eventually(() => expect(run.begun()).toBeGreaterThanOrEqual(2), { timeoutMs: 5_000 });
    await run.worker.stop();
    expect(run.fatal).toEqual([]);
    expect(run.lines.map(({ level }) => level)).toEqual(['warn']);
  });

  test('does not survive a bug', async () => {
    const bug = new Error('corrupt');
    const run = workerOver([() => Promise.reject(bug)]);
    await run.worker.start();
    await eventually(() => expect(run.fatal).toEqual([bug]), { timeoutMs: 2_000 });
    await run.worker.stop();
    expect(run.begun()).toBe(1);
  });

  test('stops at once while it waits, and may be stopped when it was never started', async () => {
    const run = workerOver([]);
    await run.worker.stop();
    await run.worker.start();
    await eventually(() => expect(run.begun()).toBe(1), { timeoutMs: 2_000 });
    await run.worker.stop();
    expect(run.begun()).toBe(1);
  });
});
