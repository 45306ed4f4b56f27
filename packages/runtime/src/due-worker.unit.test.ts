import { OperationalError } from '@daybook/core';
import { eventually, testLogger } from '@daybook/testing';
import { duePass, dueWorker, dueWorkers } from './due-worker';

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

describe('due workers', () => {
  test('are told to stop all at once: while one is waited for, no other begins a pass', async () => {
    const begun = [0, 0];
    const hanging: (() => void)[] = [];
    const passes = begun.map((_, index) => ({
      name: `worker ${index}`,
      pass: () => {
        begun[index]! += 1;
        return new Promise<Date | null>((resolve) => (hanging[index] = () => resolve(now())));
      },
    }));
    const { logger } = testLogger();
    const workers = dueWorkers(passes, { now, logger, onFatal: (error) => expect(error).toBeUndefined() });
    await workers.start();
    expect(begun).toEqual([1, 1]);
    const stopped = workers.stop();
    hanging[0]!();
    // As many as another begins meanwhile that nobody stops.
    const other = workerOver(Array.from({ length: 5 }, () => async () => now()));
    await other.worker.start();
    await eventually(() => expect(other.begun()).toBeGreaterThanOrEqual(5), { timeoutMs: 2_000 });
    await other.worker.stop();
    expect(begun).toEqual([1, 1]);
    for (const end of hanging) end();
    await stopped;
  });
});

describe('due pass', () => {
  test('looks at all at once, and answers with the next deadline when all looks have ended', async () => {
    const looked: number[] = [];
    let meet!: () => void;
    const met = new Promise<void>((resolve) => (meet = resolve));
    const look = async (each: number) => {
      looked.push(each);
      if (looked.length === 3) meet();
      await met;
    };
    const pass = duePass({ due: async () => [1, 2, 3], look, next: async () => now() });
    expect(await pass()).toEqual(now());
    expect(looked).toEqual([1, 2, 3]);
  });

  test('fails with a look, and only when the others have ended', async () => {
    const ended: string[] = [];
    const outage = new OperationalError('store_unavailable', true);
    let answer!: () => void;
    const looks = {
      fails: async () => Promise.reject(outage),
      waits: () => new Promise<void>((resolve) => (answer = resolve)).then(() => void ended.push('waits')),
    };
    const due = async () => ['fails', 'waits'] as const;
    const pass = duePass({ due, look: (name) => looks[name](), next: () => Promise.reject(new Error('not asked')) });
    const failed = pass().catch((error: unknown) => (ended.push('pass'), error));
    await new Promise(setImmediate);
    answer();
    expect(await failed).toBe(outage);
    expect(ended).toEqual(['waits', 'pass']);
  });
});
