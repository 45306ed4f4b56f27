import { isOperationalError, OperationalError } from '@daybook/core';
import fc from 'fast-check';
import type { Pool } from 'pg';
import { ChainHaltedError } from '../src/app/watch-deps';
import type { ChainBlock, ChainSource } from '../src/ports';
import { blocksOf } from './chain-source.contract';
import type { TestChain } from './test-chain';
import { Crash, depositLog, summary, watchProcess, type WatchProcess } from './watch-process';

export const confirmations = 6;
const timeLimitMs = 60_000;

type Action =
  | { readonly type: 'pay'; readonly amount: bigint }
  | { readonly type: 'mine'; readonly blocks: number }
  | { readonly type: 'reorganise'; readonly depth: number; readonly transfers: 'reinclude' | 'drop' }
  | { readonly type: 'pass' }
  | { readonly type: 'restart' }
  | { readonly type: 'crash'; readonly at: 'extend' | 'unwind' };

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('pay' as const), amount: fc.bigInt({ min: 1n, max: 99n }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('mine' as const), blocks: fc.integer({ min: 1, max: 3 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('reorganise' as const),
      depth: fc.integer({ min: 1, max: confirmations - 1 }),
      transfers: fc.constantFrom('reinclude' as const, 'drop' as const),
    }),
  },
  { weight: 3, arbitrary: fc.constantFrom({ type: 'pass' as const }, { type: 'restart' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('crash' as const),
      at: fc.constantFrom('extend' as const, 'unwind' as const),
    }),
  },
);

/** Every third answer or so is an error, an old head, a missing block or an old answer. The same faults on every run. */
function unreliable(source: ChainSource): ChainSource {
  let answers = 0;
  const every = (n: number) => ++answers % n === 0;
  const tooMany = () => new OperationalError('upstream_unavailable', true, { detail: 'too many requests' });
  let before: readonly ChainBlock[] = [];
  return {
    ...source,
    async head() {
      if (every(7)) throw tooMany();
      const head = await source.head();
      const old = every(5) ? await source.hashAt(head.number - 2) : undefined;
      return old === undefined ? head : { number: head.number - 2, hash: old };
    },
    async hashAt(number) {
      if (every(6)) throw tooMany();
      return source.hashAt(number);
    },
    async blocksAfter(...asked) {
      if (every(11)) throw tooMany();
      if (every(13)) return [];
      if (every(17)) return before;
      const blocks = await source.blocksAfter(...asked);
      before = blocks;
      // The first is left out: what follows does not link.
      return every(5) ? blocks.slice(1) : blocks;
    },
    async finalTransfers(...asked) {
      if (every(3)) throw tooMany();
      return every(4) ? undefined : source.finalTransfers(...asked);
    },
  };
}

/** What the watcher owes on every chain: the confirmed deposits are the chain's, whatever happened on the way. */
export function describeWatcher(
  name: string,
  given: () => { readonly pool: Pool; readonly chain: TestChain },
  schedules: number,
): void {
  describe(`the watcher on ${name}`, () => {
    let pool: Pool;
    let chain: TestChain;
    let process: WatchProcess;
    const begin = () => watchProcess(pool, chain.connect(), { rule: chain.rule(confirmations) });
    const restart = async () => {
      await process.stop();
      process = await begin();
    };
    async function watched(): Promise<string> {
      const address = await chain.newAddress();
      await process.allocate(address, chain.name);
      return address;
    }
    const logOf = async (...addresses: string[]) => summary(await depositLog(pool, addresses));

    beforeAll(async () => {
      ({ pool, chain } = given());
      await chain.mine(confirmations);
      process = await begin();
      await process.settle();
    });
    afterAll(async () => process?.stop());

    test('confirms a deposit at its depth and not one block earlier', async () => {
      const address = await watched();
      await chain.pay(address, 5n);
      for (let depth = 1; depth < confirmations; depth++) {
        await process.settle();
        expect(await logOf(address)).toEqual([`Seen 5 ${chain.asset}`]);
        await chain.mine(1);
      }
      await process.settle();
      await process.settle();
      expect(await logOf(address)).toEqual([`Seen 5 ${chain.asset}`, `Confirmed 5 ${chain.asset}`]);
    });

    test('a deposit that is reorged away is reversed, and credited once when it comes back', async () => {
      const [dropped, back] = [await watched(), await watched()];
      await chain.pay(dropped, 1n);
      await process.settle();
      await chain.reorganise(1, 'drop');
      // The pass that finds the fork reverses it, before anything of the other branch is scanned.
      await process.pass();
      expect(await logOf(dropped)).toEqual([`Seen 1 ${chain.asset}`, `Reverted 1 ${chain.asset}`]);
      await chain.pay(back, 2n);
      await process.settle();
      await chain.mine(1);
      await chain.reorganise(2, 'reinclude');
      await chain.mine(confirmations);
      await process.settle();
      const { asset } = chain;
      expect(await logOf(dropped)).toEqual([`Seen 1 ${asset}`, `Reverted 1 ${asset}`]);
      expect(await logOf(back)).toEqual([
        `Seen 2 ${asset}`,
        `Reverted 2 ${asset}`,
        `Seen 2 ${asset}`,
        `Confirmed 2 ${asset}`,
      ]);
    });

    test('finds a reorg that happened while it was down', async () => {
      const address = await watched();
      await chain.pay(address, 3n);
      await process.settle();
      await process.stop();
      await chain.reorganise(2, 'drop');
      await chain.mine(confirmations);
      process = await begin();
      await process.settle();
      expect(await logOf(address)).toEqual([`Seen 3 ${chain.asset}`, `Reverted 3 ${chain.asset}`]);
    });

    test('a crash after a deposit is recorded, and a reorg of its block before the restart, leave no deposit behind', async () => {
      const address = await watched();
      await process.stop();
      const crashing = await watchProcess(pool, chain.connect(), {
        rule: chain.rule(confirmations),
        crashAt: 'extend',
      });
      await chain.pay(address, 4n);
      await expect(crashing.settle()).rejects.toThrow(Crash);
      await crashing.stop();
      expect(await logOf(address)).toEqual([`Seen 4 ${chain.asset}`]);
      await chain.reorganise(1, 'drop');
      await chain.mine(confirmations);
      process = await begin();
      await process.settle();
      expect(await logOf(address)).toEqual([`Seen 4 ${chain.asset}`, `Reverted 4 ${chain.asset}`]);
    });

    test('a crash between append and cursor records nothing twice', async () => {
      const address = await watched();
      for (const crashAt of ['extend', 'unwind'] as const) {
        await process.stop();
        const crashing = await watchProcess(pool, chain.connect(), { rule: chain.rule(confirmations), crashAt });
        if (crashAt === 'extend') await chain.pay(address, 6n);
        else await chain.reorganise(1, 'reinclude');
        await expect(crashing.settle()).rejects.toThrow(Crash);
        await crashing.stop();
        process = await begin();
        await process.settle();
      }
      await chain.mine(confirmations);
      await process.settle();
      const { asset } = chain;
      expect(await logOf(address)).toEqual([
        `Seen 6 ${asset}`,
        `Reverted 6 ${asset}`,
        `Seen 6 ${asset}`,
        `Confirmed 6 ${asset}`,
      ]);
    });

    test('a source that fails, is stale or loses blocks delays deposits and changes nothing else', async () => {
      const address = await watched();
      await process.stop();
      const faulty = await watchProcess(pool, unreliable(chain.connect()), { rule: chain.rule(confirmations) });
      for (let paid = 1n; paid <= 6n; paid++) {
        await chain.pay(address, paid);
        if (paid % 2n === 0n) await chain.reorganise(2, 'reinclude');
        await refusals(faulty, 3);
      }
      await chain.mine(confirmations);
      const refused = await refusals(faulty, 60);
      await faulty.stop();
      expect(refused.length).toBeGreaterThan(0);
      expect(new Set(refused)).toEqual(new Set(['upstream_unavailable']));
      const confirmed = (await logOf(address)).filter((line) => line.startsWith('Confirmed'));
      expect(confirmed.toSorted()).toEqual([1, 2, 3, 4, 5, 6].map((amount) => `Confirmed ${amount} ${chain.asset}`));
      process = await begin();
    });

    test.each([
      ['included again', 'reinclude', 'settle'],
      ['included again, in a block that the other has not joined yet', 'reinclude', 'crash'],
      ['dropped', 'drop', 'settle'],
    ] as const)(
      'a watcher that is overtaken while it holds a block steps back, and its deposit is where the chain has it (%s)',
      async (_, transfers, other) => {
        const address = await watched();
        const source = chain.connect();
        let meanwhile: (() => Promise<void>) | undefined;
        const blocksAfter: ChainSource['blocksAfter'] = async (...asked) => {
          const held = await source.blocksAfter(...asked);
          if (held.every(({ transfers: found }) => found.length === 0)) return held;
          await meanwhile?.();
          meanwhile = undefined;
          return held;
        };
        const slow = await watchProcess(pool, { ...source, blocksAfter }, { rule: chain.rule(confirmations) });
        await slow.settle();
        await chain.pay(address, 7n);
        meanwhile = async () => {
          await chain.reorganise(1, transfers);
          if (other === 'settle') await process.settle();
          else await crashBefore('extend');
        };
        expect(await refusals(slow, 1)).toEqual(['version_conflict']);
        await slow.stop();
        await chain.mine(confirmations);
        await process.settle();
        expect(await logOf(address)).toEqual([
          `Seen 7 ${chain.asset}`,
          transfers === 'drop' ? `Reverted 7 ${chain.asset}` : `Confirmed 7 ${chain.asset}`,
        ]);
      },
    );

    /** One more watcher, which ends there if it gets there. */
    async function crashBefore(crashAt: 'extend' | 'unwind'): Promise<void> {
      const crashing = await watchProcess(pool, chain.connect(), { rule: chain.rule(confirmations), crashAt });
      await crashing.settle().catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
      });
      await crashing.stop();
    }

    /** Codes of the passes that failed, out of `passes`. */
    async function refusals(one: WatchProcess, passes: number): Promise<string[]> {
      const codes: string[] = [];
      for (let tried = 0; tried < passes; tried++) {
        await one.pass().catch((error: unknown) => {
          if (!isOperationalError(error)) throw error;
          codes.push(error.code);
        });
      }
      return codes;
    }

    test('over random schedules of deposits, reorgs, crashes and restarts, what is confirmed is what the chain holds', async () => {
      const run = async (actions: readonly Action[]) => {
        const address = await watched();
        const begun = (await process.deps.source.head()).number;
        for (const one of actions) {
          if (one.type === 'pay') await chain.pay(address, one.amount);
          else if (one.type === 'mine') await chain.mine(one.blocks);
          else if (one.type === 'reorganise') await chain.reorganise(one.depth, one.transfers);
          else if (one.type === 'pass') await process.pass();
          else if (one.type === 'restart') await restart();
          else {
            await process.stop();
            await crashBefore(one.at);
            process = await begin();
          }
        }
        await chain.mine(confirmations);
        await process.settle();
        const log = await depositLog(pool, [address]);
        const confirmed = log.filter(({ type }) => type === 'DepositConfirmed');
        const identityOf = (of: { transactionId: string; index: number; amount: bigint }) =>
          `${of.transactionId}/${of.index}: ${of.amount}`;
        expect(confirmed.map(identityOf).sort()).toEqual(
          (await heldFrom(begun - confirmations, address)).map(identityOf).sort(),
        );
        const left = new Map(log.map((event) => [event.depositId, event.type]));
        expect([...left.values()]).not.toContain('DepositSeen');
      };
      await fc.assert(fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 14 }), run), {
        numRuns: schedules,
        seed: 20_261_121,
        endOnFailure: true,
        interruptAfterTimeLimit: timeLimitMs,
      });
    }, 120_000);

    /** What the chain holds for an address since it was made, read anew. No reorg is as deep as `confirmations`. */
    async function heldFrom(first: number, address: string) {
      const source = chain.connect();
      const held = await blocksOf(source, { has: (one) => one === address }, { after: Math.max(0, first) - 1 });
      const transfers = held.flatMap((block) => block.transfers);
      await source.stop();
      return transfers;
    }

    test('a reorg that reaches a confirmed deposit halts the chain and changes nothing', async () => {
      const address = await watched();
      await chain.pay(address, 8n);
      await chain.mine(confirmations);
      await process.settle();
      const tip = await process.deps.cursor.tip();
      await chain.reorganise(confirmations + 1, 'drop');
      await chain.mine(1);
      await expect(process.settle()).rejects.toThrow(ChainHaltedError);
      await expect(process.settle()).rejects.toThrow('removes confirmed deposit');
      expect(await process.deps.cursor.tip()).toEqual(tip);
      expect(await logOf(address)).toEqual([`Seen 8 ${chain.asset}`, `Confirmed 8 ${chain.asset}`]);
    });
  });
}
