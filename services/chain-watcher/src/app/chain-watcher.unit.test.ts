import { OperationalError } from '@daybook/core';
import { createLogger } from '@daybook/runtime';
import { ChainRefusedError } from '../ports';
import type { AssetFault } from './asset-faults';
import { chainWatcher } from './chain-watcher';
import type { Pass } from './watch-chain';
import { ChainHaltedError } from './watch-deps';

const head = { number: 5, hash: 'five' };
const done: Pass = { tip: head, more: false, waiting: 0 };

/** A watcher whose passes answer in turn; the last answer repeats. */
function watcherOf(
  answers: readonly (Pass | Error)[],
  verify: () => Promise<void> = async () => undefined,
  looks: readonly (readonly AssetFault[])[] = [[]],
) {
  let passes = 0;
  let looked = 0;
  const fatal: unknown[] = [];
  const reached = new Map<number, () => void>();
  const watcher = chainWatcher({
    chain: 'test',
    pollMs: 1,
    limits: { frozenMs: null, lagBlocks: 10 },
    verify,
    faults: async () => looks[Math.min(looked++, looks.length - 1)]!,
    async pass(onHead) {
      const answer = answers[Math.min(passes++, answers.length - 1)]!;
      reached.get(passes)?.();
      onHead(head);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    asOperational: (error) => error,
    now: () => new Date('2026-01-01T00:00:00.000Z'),
    logger: createLogger({ service: 'test', level: 'silent' }),
    onFatal: (error) => fatal.push(error),
  });
  const pass = (number: number) => new Promise<void>((resolve) => void reached.set(number, resolve));
  return { watcher, pass, fatal, passes: () => passes };
}
const unavailable = new OperationalError('upstream_unavailable', true, { detail: 'gone' });

describe('the loop of a chain', () => {
  test('shows an error of the source and goes on', async () => {
    const { watcher, pass } = watcherOf([unavailable, unavailable, done]);
    const third = pass(4);
    await watcher.start();
    expect(watcher.state()).toMatchObject({ error: 'upstream_unavailable: gone', halted: false, head });
    await third;
    expect(watcher.state()).toMatchObject({ error: null, updatedAt: '2026-01-01T00:00:00.000Z' });
    await watcher.stop();
  });

  test('stops looking at a chain that may not be believed, and is not fatal', async () => {
    const { watcher, passes, fatal } = watcherOf([new ChainHaltedError('another chain')]);
    await watcher.start();
    expect(watcher.state()).toMatchObject({ error: 'another chain', halted: true });
    await watcher.stop();
    expect([passes(), fatal]).toEqual([1, []]);
  });

  test('an asset that is not as it is pinned is off until it is again, and the chain is followed meanwhile', async () => {
    const fault: AssetFault = { asset: 'USDT_ERC20', reason: 'has 18 decimals' };
    const { watcher, pass } = watcherOf([done], undefined, [[fault], [fault], []]);
    const [second, fourth] = [pass(2), pass(4)];
    await watcher.start();
    expect(watcher.state()).toMatchObject({ faults: [fault], alarm: 'asset_off', error: null, halted: false });
    await second;
    expect(watcher.state()).toMatchObject({ faults: [fault], head });
    await fourth;
    expect(watcher.state()).toMatchObject({ faults: [], alarm: null });
    await watcher.stop();
  });

  test('refuses to start on a chain that is not the configured one', async () => {
    const { watcher, passes } = watcherOf([done], async () => {
      throw new ChainRefusedError('chain 1');
    });
    await expect(watcher.start()).rejects.toThrow('chain 1');
    expect(passes()).toBe(0);
  });

  test('a broken program is fatal', async () => {
    const { watcher, fatal, pass } = watcherOf([done, new TypeError('bug')]);
    const second = pass(2);
    await watcher.start();
    await second;
    await watcher.stop();
    expect(fatal).toEqual([expect.any(TypeError)]);
  });
});
