import fc from 'fast-check';
import { isOperationalError } from '@daybook/core';
import { testDatabase, type TestDatabase } from '@daybook/testing';
import type { Pool } from 'pg';
import { anvilChain, type AnvilChain } from './anvil-chain';
import { blocksOf } from './chain-source.contract';
import { byDepth } from './test-chain';
import { Crash, depositLog, prepare, schema, watchProcess, type WatchProcess } from './watch-process';

/** `CHAIN_SCHEDULES=500` runs as many; the suite runs a share of them. */
const schedules = Number(process.env['CHAIN_SCHEDULES'] ?? 2);
/** `CHAIN_SEED` chooses others. */
const seed = Number(process.env['CHAIN_SEED'] ?? 20_261_121);
const deepest = 64;
const confirmations = deepest + 1;
/** Whatever a schedule leaves behind lies deeper than the next one reaches. */
const rule = byDepth(confirmations);

type Action =
  | { readonly type: 'pay' | 'replace'; readonly amount: bigint }
  | { readonly type: 'reorganise'; readonly depth: number; readonly transfers: 'reinclude' | 'drop' }
  | { readonly type: 'pass' | 'restart' | 'down' }
  | { readonly type: 'crash'; readonly at: 'extend' | 'unwind' };
const amount = fc.bigInt({ min: 1n, max: 999n });
const constant = <const Type extends string>(type: Type) => fc.constant({ type });
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constantFrom('pay' as const, 'replace' as const), amount }) },
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

describe('reorgs as deep as an EVM chain has had', () => {
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

  test(`over ${schedules} random schedules the final deposits are those of the final chain, and none is ever credited twice`, async () => {
    let process: WatchProcess | undefined = await watchProcess(pool, chain.connect(), { rule });
    await process.settle();
    const up = async () => (process ??= await watchProcess(pool, chain.connect(), { rule }));
    const down = async () => {
      await process?.stop();
      process = undefined;
    };
    const settled = () => patiently(async () => (await up()).settle());
    const crash = async (at: 'extend' | 'unwind') => {
      await down();
      const crashing = await watchProcess(pool, chain.connect(), { rule, crashAt: at });
      await patiently(() => crashing.settle()).catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
      });
      await crashing.stop();
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
        else if (one.type === 'reorganise') await chain.reorganise(one.depth, one.transfers);
        else if (one.type === 'crash') await crash(one.at);
        else if (one.type === 'pass') await patiently(async () => void (await (await up()).pass()));
        else await down();
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
    };
    const actions = fc.array(action, { minLength: 4, maxLength: 12 });
    await fc.assert(fc.asyncProperty(actions, run), { numRuns: schedules, seed, endOnFailure: true });
    await down();
  }, 3_600_000);
});
