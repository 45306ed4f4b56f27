import { inOrder, runProgram, type Component, type OnFatal } from './lifecycle';

function recorded(log: string[], name: string, fails: { start?: boolean; stop?: boolean } = {}): Component {
  return {
    name,
    async start() {
      if (fails.start) throw new Error(`${name} cannot start`);
      log.push(`start ${name}`);
    },
    async stop() {
      log.push(`stop ${name}`);
      if (fails.stop) throw new Error(`${name} cannot stop`);
    },
  };
}

describe('inOrder', () => {
  test('starts in order and stops in reverse', async () => {
    const log: string[] = [];
    const all = inOrder('all', [recorded(log, 'a'), recorded(log, 'b')]);
    await all.start();
    await all.stop();
    expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  test('stops what it had started when a later part does not start, and says which and why', async () => {
    const log: string[] = [];
    const all = inOrder('all', [recorded(log, 'a'), recorded(log, 'b', { start: true }), recorded(log, 'c')]);
    await expect(all.start()).rejects.toThrow('all: b did not start: Error: b cannot start');
    expect(log).toEqual(['start a', 'stop a']);
  });

  test('stops every part even if one fails to', async () => {
    const log: string[] = [];
    const all = inOrder('all', [recorded(log, 'a'), recorded(log, 'b', { stop: true })]);
    await all.start();
    await expect(all.stop()).rejects.toThrow('all: 1 part(s) did not stop cleanly');
    expect(log.at(-1)).toBe('stop a');
  });
});

describe('runProgram', () => {
  const graceMs = 1_000;
  const { isTTY } = process.stdout;
  let exits: unknown[];

  beforeEach(() => {
    jest.useFakeTimers();
    exits = [];
    // Where the terminal that runs this is not gone.
    process.stdout.isTTY = false;
    jest.spyOn(process, 'exit').mockImplementation(((code: unknown) => void exits.push(code)) as () => never);
    jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  });
  afterEach(() => {
    process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT').removeAllListeners('SIGHUP');
    process.stdout.isTTY = isTTY;
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  /** A program that starts when it is let. */
  function starting(work?: () => Promise<void>) {
    const log: string[] = [];
    let letStart!: () => void;
    let onFatal!: OnFatal;
    const code = runProgram({
      env: {},
      loadConfig: () => ({}),
      createService: (_config, overrides) => {
        onFatal = overrides.onFatal;
        return {
          async start() {
            await new Promise<void>((resolve) => (letStart = resolve));
            log.push('started');
            return { url: '' };
          },
          stop: async () => void log.push('stopped'),
        };
      },
      graceMs: () => graceMs,
      ...(work && { work }),
    });
    return { log, code, letStart: () => letStart(), fails: (error: unknown) => onFatal(error) };
  }

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'a fatal error'])(
    '%s ends also a start that does not end',
    async (told) => {
      const { fails } = starting();
      await jest.advanceTimersByTimeAsync(5 * graceMs);
      if (told === 'a fatal error') fails(new Error('broken'));
      else process.emit(told as 'SIGTERM');
      await jest.advanceTimersByTimeAsync(graceMs - 1);
      expect(exits).toEqual([]);
      await jest.advanceTimersByTimeAsync(1);
      expect(exits).toEqual([2]);
    },
  );

  test('a start that ends within the grace time is followed by the stop', async () => {
    const { log, code, letStart, fails } = starting();
    process.emit('SIGTERM');
    fails(new Error('the first that is told counts'));
    await jest.advanceTimersByTimeAsync(graceMs / 2);
    letStart();
    expect(await code).toBe(0);
    expect([log, exits]).toEqual([['started', 'stopped'], []]);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s that comes again does not end what stops', (signal) => {
    starting();
    expect([process.emit(signal), process.emit(signal)]).toEqual([true, true]);
  });

  describe('with work', () => {
    const untilStarted = () => jest.advanceTimersByTimeAsync(0);

    test.each([
      ['that is done', async () => undefined, { code: 0 }],
      ['that fails', () => Promise.reject(new Error('no work')), { error: 'no work' }],
    ])('%s: it is stopped', async (_what, work, result) => {
      const { log, code, letStart } = starting(work);
      letStart();
      const outcome = code.then(
        (value) => ({ code: value }),
        (error: Error) => ({ error: error.message }),
      );
      expect([await outcome, log]).toEqual([result, ['started', 'stopped']]);
    });

    test('told to end, it is stopped while it works', async () => {
      const { log, code, letStart } = starting(() => new Promise(() => undefined));
      letStart();
      await untilStarted();
      process.emit('SIGINT');
      expect([await code, log]).toEqual([0, ['started', 'stopped']]);
    });

    test('told to end while it starts, it does no work', async () => {
      const { log, code, letStart } = starting(async () => void log.push('worked'));
      process.emit('SIGINT');
      letStart();
      expect([await code, log]).toEqual([0, ['started', 'stopped']]);
    });
  });
});
