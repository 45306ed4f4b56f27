import fc from 'fast-check';
import { isOperationalError } from '@daybook/core';
import { testDatabase, type TestDatabase } from '@daybook/testing';
import type { Pool } from 'pg';
import type { DepositEvent } from '../src/domain/deposit';
import { anvilChain, type AnvilChain } from './anvil-chain';
import { blocksOf } from './chain-source.contract';
import { byDepth } from './test-chain';
import { Crash, depositLog, prepare, schema, watchProcess, type WatchProcess } from './watch-process';

/** `CHAIN_SCHEDULES=500` runs as many; the suite runs a share of them. */
const schedules = Number(process.env['CHAIN_SCHEDULES'] ?? 4);
/** The day's, so that each day draws others; `CHAIN_SEED` runs those of a failure, which names its seed, again. */
const seed = Number(process.env['CHAIN_SEED'] ?? new Date().toISOString().slice(0, 10).replaceAll('-', ''));
/** On a machine that is slower than this, fewer are run. */
const timeLimitMs = schedules * 10_000;
const deepest = 64;
const confirmations = deepest + 1;
/** Whatever a schedule leaves behind lies deeper than the next one reaches. */
const rule = byDepth(confirmations);

type Action =
  | { readonly type: 'pay' | 'replace'; readonly amount: bigint }
  | { readonly type: 'mine'; readonly blocks: number }
  | { readonly type: 'reorganise'; readonly depth: number; readonly transfers: 'reinclude' | 'drop' }
  | { readonly type: 'pass' | 'restart' | 'down' }
  | { readonly type: 'crash'; readonly at: 'extend' | 'unwind' };
const amount = fc.bigInt({ min: 1n, max: 999n });
const constant = <const Type extends string>(type: Type) => fc.constant({ type });
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constantFrom('pay' as const, 'replace' as const), amount }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('mine' as const), blocks: fc.integer({ min: 1, max: deepest - 1 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('reorganise' as const),
      depth: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: deepest })),
      transfers: fc.constantFrom('reinclude' as const, 'drop' as const),
    }),
  },
  { weight: 4, arbitrary: fc.oneof(constant('pass'), constant('restart'), constant('down')) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('crash' as const),
      at: fc.constantFrom('extend' as const, 'unwind' as const),
    }),
  },
);

/** What random schedules seldom come to: deposits that are one block short of final leave the chain, in each way. */
const pay = (units: bigint): Action => ({ type: 'pay', amount: units });
const replace = (units: bigint): Action => ({ type: 'replace', amount: units });
const mine = (blocks: number): Action => ({ type: 'mine', blocks });
const pass: Action = { type: 'pass' };
const down: Action = { type: 'down' };
const restart: Action = { type: 'restart' };
const crash = (at: 'extend' | 'unwind'): Action => ({ type: 'crash', at });
const reorganise = (transfers: 'reinclude' | 'drop'): Action => ({ type: 'reorganise', depth: deepest, transfers });
/** Behind a payment, and behind one that was included again, which has a block above it already. */
const [almostFinal, again] = [mine(deepest - 1), mine(deepest - 2)];
const hardest: readonly (readonly Action[])[] = [
  // What is paid after that has the nonce of what was dropped.
  [pay(1n), almostFinal, pass, reorganise('drop'), pass, pay(2n)],
  [pay(1n), almostFinal, pass, reorganise('reinclude'), pass, again, pass, down, reorganise('reinclude')],
  [replace(1n), almostFinal, pass, reorganise('reinclude'), pass, again, pass, reorganise('drop'), pay(2n)],
  [pay(1n), pay(2n), mine(deepest - 2), pass, down, reorganise('drop'), restart, pass, replace(3n)],
  [pay(1n), crash('extend'), almostFinal, reorganise('drop'), pass, pay(2n), crash('extend'), reorganise('reinclude')],
  [pay(1n), almostFinal, pass, reorganise('reinclude'), crash('unwind'), pass, again, pass, reorganise('drop')],
  [pay(1n), almostFinal, pass, reorganise('drop'), crash('unwind'), reorganise('reinclude'), pay(2n), crash('extend')],
];

/** Without these the test would be shallow, whatever it is made of. */
const takenAtLeast = Object.fromEntries(
  [
    'payment, drop, up',
    'payment, drop, down',
    'payment, reinclude, up',
    'payment, reinclude, down',
    'replacement, drop, up',
    'replacement, reinclude, up',
  ].map((how) => [how, deepest]),
);
const fatesAtLeast = ['Seen Confirmed', 'Seen Reverted', 'Seen Reverted Seen Confirmed'];

/** A node on a busy machine may answer too late, which every watcher bears. */
async function patiently(run: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await run();
    } catch (error) {
      if (tries === 10 || !isOperationalError(error) || error.code !== 'upstream_timeout') throw error;
    }
  }
}

/** What became of each deposit: its events. */
function fatesOf(log: readonly DepositEvent[]): string[] {
  const typesOf = new Map<string, string[]>();
  for (const { depositId, type } of log)
    typesOf.set(depositId, [...(typesOf.get(depositId) ?? []), type.replace('Deposit', '')]);
  return [...typesOf.values()].map((types) => types.join(' '));
}

describe(`reorgs that are ${deepest} blocks deep, and less`, () => {
  let database: TestDatabase;
  let pool: Pool;
  let chain: AnvilChain;
  beforeAll(async () => {
    database = await testDatabase();
    pool = database.pool(schema);
    await prepare(pool);
    chain = await anvilChain(undefined, 4 * deepest);
    await chain.mine(confirmations);
  });
  afterAll(async () => {
    await chain?.stop();
    await database?.drop();
  });

  /** The greatest depth of a deposit that the watcher had seen when a reorg took its block, by how that came. */
  const taken = new Map<string, number>();
  const crashed = new Set<string>();
  const fates = new Set<string>();

  test(`over ${schedules} random schedules the final deposits are those of the final chain, and none is ever credited twice`, async () => {
    let process: WatchProcess | undefined = await watchProcess(pool, chain.connect(), { rule });
    await process.settle();
    const up = async () => (process ??= await watchProcess(pool, chain.connect(), { rule }));
    const stop = async () => {
      await process?.stop();
      process = undefined;
    };
    const settled = () => patiently(async () => (await up()).settle());
    const crashIn = async (at: 'extend' | 'unwind') => {
      await stop();
      const crashing = await watchProcess(pool, chain.connect(), { rule, crashAt: at });
      await patiently(() => crashing.settle()).catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
        crashed.add(at);
      });
      await crashing.stop();
    };
    const note = async (reorg: Extract<Action, { type: 'reorganise' }>, [address, instead]: [string, string]) => {
      const height = await chain.height();
      const last = new Map((await depositLog(pool, [address, instead])).map((event) => [event.depositId, event]));
      for (const { type, blockNumber, address: paid } of last.values()) {
        const depth = height - blockNumber + 1;
        if (type !== 'DepositSeen' || depth > reorg.depth) continue;
        const what = paid === instead ? 'replacement' : 'payment';
        const how = `${what}, ${reorg.transfers}, ${process === undefined ? 'down' : 'up'}`;
        taken.set(how, Math.max(depth, taken.get(how) ?? 0));
      }
    };

    const run = async (actions: readonly Action[]) => {
      const [address, instead] = [await chain.newAddress(), await chain.newAddress()];
      for (const one of [address, instead]) await (await up()).allocate(one, chain.name);
      await chain.mine(deepest);
      await settled();
      const begun = (await chain.height()) - deepest;
      for (const one of actions) {
        if (one.type === 'pay') await chain.pay(address, one.amount);
        else if (one.type === 'replace') await chain.replace(address, instead, one.amount);
        else if (one.type === 'mine') await chain.mine(one.blocks);
        else if (one.type === 'reorganise') {
          await note(one, [address, instead]);
          await chain.reorganise(one.depth, one.transfers);
        } else if (one.type === 'crash') await crashIn(one.at);
        else if (one.type === 'pass') await patiently(async () => void (await (await up()).pass()));
        else await stop();
        if (one.type === 'restart') await up();
      }
      await chain.mine(confirmations);
      await settled();
      const watched = new Set([address, instead]);
      const source = chain.connect();
      const held = (await blocksOf(source, watched, { after: begun - 1 })).flatMap(({ transfers }) => transfers);
      await source.stop();
      const log = await depositLog(pool, [address, instead]);
      const identityOf = (of: { transactionId: string; index: number; amount: bigint }) =>
        `${of.transactionId}/${of.index}: ${of.amount}`;
      const confirmed = log.filter(({ type }) => type === 'DepositConfirmed').map(identityOf);
      expect(confirmed.toSorted()).toEqual(held.map(identityOf).toSorted());
      expect(new Set(confirmed).size).toBe(confirmed.length);
      for (const fate of fatesOf(log)) fates.add(fate);
    };
    const schedule = fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 12 }), run);
    const chosen = { examples: hardest.map((each): [Action[]] => [[...each]]), numRuns: hardest.length };
    const drawn = { numRuns: schedules, seed, interruptAfterTimeLimit: timeLimitMs };
    try {
      await fc.assert(schedule, { ...chosen, endOnFailure: true });
      await fc.assert(schedule, { ...drawn, endOnFailure: true });
    } finally {
      await stop();
    }
    expect(Object.fromEntries(taken)).toMatchObject(takenAtLeast);
    expect([...crashed]).toEqual(expect.arrayContaining(['extend', 'unwind']));
    expect([...fates]).toEqual(expect.arrayContaining(fatesAtLeast));
  }, 3_600_000);
});
