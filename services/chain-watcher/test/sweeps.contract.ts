import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { AssetCode } from '@daybook/money';
import { balanceBook } from '../src/adapters/balance-book';
import type { DepositEvent } from '../src/domain/deposit';
import { depositsOf } from '../src/projections/deposits';
import { blockAt } from './chain-source.contract';
import type { Spender, TestChain } from './test-chain';
import { depositLog, publishedLog, watchProcess, type WatchProcess } from './watch-process';
import { confirmations } from './watcher.contract';

/** What the operator moves from deposit addresses is nobody's payment. What anybody else sends is one. */
export function describeSweeps(
  name: string,
  given: () => { readonly pool: Pool; readonly chain: TestChain },
  cannot: string | undefined,
): void {
  describe(`sweeps on ${name}`, () => {
    let pool: Pool;
    let chain: TestChain;
    let process: WatchProcess;
    let place = 0;
    beforeAll(async () => {
      ({ pool, chain } = given());
      await chain.mine(1);
      process = await watchProcess(pool, chain.connect(), { rule: chain.rule(confirmations) });
      await process.settle();
    });
    afterAll(async () => process?.stop());

    type Scene = { readonly deposit: Spender; readonly other: string; readonly hot: Spender };
    /** A deposit address that was paid, another one, and a hot wallet. */
    async function scene(newSpender: () => Promise<Spender>): Promise<Scene> {
      const [deposit, hot, other] = [await newSpender(), await newSpender(), await chain.newAddress()];
      for (const address of [deposit.address, other]) await process.allocate(address, chain.name, place++);
      await process.allocate(hot.address, chain.name);
      await chain.pay(deposit.address, 900_000n);
      await chain.mine(confirmations);
      await process.settle();
      return { deposit, hot, other };
    }
    /** A chain that says it cannot have it must not offer it either. */
    function sweeping(rule: string, run: (scene: Scene) => Promise<void>): void {
      test(cannot === undefined ? rule : `has no case of "${rule}": ${cannot}`, async () => {
        const { spender } = chain.payments;
        expect(spender === undefined).toBe(cannot !== undefined);
        if (spender) await run(await scene(spender));
      });
    }
    const final = async () => {
      await chain.mine(confirmations);
      await process.settle();
    };
    const logOf = async (...addresses: string[]) =>
      (await depositLog(pool, addresses)).map(
        ({ type, amount, sweptFrom }) =>
          `${type.replace('Deposit', '')} ${amount}${sweptFrom === undefined ? '' : ` swept from ${sweptFrom}`}`,
      );

    /** The transfers of the newest block that are told to who watches these addresses. */
    async function told(...addresses: string[]) {
      const source = chain.connect();
      const { number } = await source.head();
      const { transfers } = await blockAt(source, number, { has: (address) => addresses.includes(address) });
      await source.stop();
      return transfers;
    }

    sweeping('a transfer tells which of the watched addresses spent it', async ({ deposit, hot, other }) => {
      const { transactionId } = await deposit.send(hot.address, 100_001n);
      const swept = { transactionId, index: expect.any(Number) as number, asset: chain.asset, amount: 100_001n };
      const spenders = [deposit.address];
      expect(await told(deposit.address, hot.address)).toEqual([{ ...swept, to: hot.address, spenders }]);
      expect(await told(hot.address)).toEqual([{ ...swept, to: hot.address, spenders: [] }]);
      await chain.pay(hot.address, 500_000n);
      expect(await told(deposit.address, hot.address)).toMatchObject([{ amount: 500_000n, spenders: [] }]);
      await hot.send(other, 100_002n);
      expect(await told(hot.address, other)).toMatchObject([{ to: other, spenders: [hot.address] }]);
    });

    sweeping(
      'what a deposit address spends is a sweep, whoever has the address that it goes to',
      async ({ deposit, hot, other }) => {
        await deposit.send(hot.address, 100_003n);
        await final();
        const swept = `100003 swept from ${deposit.address}`;
        expect(await logOf(hot.address)).toEqual([`Seen ${swept}`, `Confirmed ${swept}`]);
        expect(await publishedLog(pool, [hot.address])).toEqual(['SweepConfirmed']);
        // It is there, and nobody's deposit.
        const book = balanceBook(pool, chain.name, () => new Date());
        expect(await book.explained(hot.address, chain.asset, Number.MAX_SAFE_INTEGER)).toBe(100_003n);
        expect(await depositsOf(pool, [`for ${hot.address}`], 10)).toEqual([]);
        expect(await depositsOf(pool, [`for ${deposit.address}`], 10)).toMatchObject([{ status: 'confirmed' }]);
        await chain.pay(deposit.address, 300_000n);
        await deposit.send(other, 100_004n);
        await final();
        const moved = `100004 swept from ${deposit.address}`;
        expect(await logOf(other)).toEqual([`Seen ${moved}`, `Confirmed ${moved}`]);
        expect(await publishedLog(pool, [other])).toEqual(['SweepConfirmed']);
        expect(await publishedLog(pool, [deposit.address])).toEqual([
          'DepositSeen',
          'DepositConfirmed',
          'DepositSeen',
          'DepositConfirmed',
        ]);
      },
    );

    sweeping('what a hot wallet sends to a deposit address is a payment', async ({ hot, other }) => {
      await chain.pay(hot.address, 500_001n);
      await hot.send(other, 100_005n);
      await final();
      expect(await logOf(other)).toEqual(['Seen 100005', 'Confirmed 100005']);
      expect(await publishedLog(pool, [other])).toEqual(['DepositSeen', 'DepositConfirmed']);
    });

    sweeping('a token is swept as the coin is', async ({ deposit, hot, other }) => {
      const { token } = chain.payments;
      if (token === undefined || deposit.sendToken === undefined) return expect(chain.token).toBeUndefined();
      await token(deposit.address, 700_000n);
      await deposit.sendToken(hot.address, 300_001n);
      await token(hot.address, 300_002n);
      await hot.sendToken!(other, 300_003n);
      await final();
      const confirmed = (await depositLog(pool, [hot.address, other])).filter(
        ({ type }) => type === 'DepositConfirmed',
      );
      const swept: readonly [AssetCode, bigint, string | undefined][] = [
        [chain.token!, 300_001n, deposit.address],
        [chain.token!, 300_002n, undefined],
        [chain.token!, 300_003n, undefined],
      ];
      expect(confirmed.map(({ asset, amount, sweptFrom }) => [asset, amount, sweptFrom])).toEqual(
        expect.arrayContaining(swept),
      );
      expect(confirmed).toHaveLength(swept.length);
    });

    sweeping('a sweep that is reorged away is reversed, and is one when it comes back', async ({ deposit, hot }) => {
      await deposit.send(hot.address, 100_006n);
      await process.settle();
      const swept = `100006 swept from ${deposit.address}`;
      expect(await logOf(hot.address)).toEqual([`Seen ${swept}`]);
      await chain.mine(1);
      await chain.reorganise(2, 'reinclude');
      await final();
      expect(await logOf(hot.address)).toEqual([
        `Seen ${swept}`,
        `Reverted ${swept}`,
        `Seen ${swept}`,
        `Confirmed ${swept}`,
      ]);
      expect(await publishedLog(pool, [hot.address])).toEqual(['SweepConfirmed']);
    });

    sweeping('a reversal that the cursor does not follow is undone as of a sweep', async ({ deposit, hot }) => {
      await deposit.send(hot.address, 100_008n);
      await process.settle();
      const [{ depositId, blockHash }] = (await depositLog(pool, [hot.address])) as [DepositEvent];
      const revert = { type: 'RevertDeposit', blockHash, at: new Date().toISOString() } as const;
      const context = { commandId: randomUUID(), correlationId: 'c', causationId: 'c' };
      await process.deps.handle(`deposit-${depositId}`, revert, context);
      await final();
      const swept = `100008 swept from ${deposit.address}`;
      expect(await logOf(hot.address)).toEqual([
        `Seen ${swept}`,
        `Reverted ${swept}`,
        `Seen ${swept}`,
        `Confirmed ${swept}`,
      ]);
    });

    sweeping('a sweep that is dropped is told to nobody', async ({ deposit, hot }) => {
      await deposit.send(hot.address, 100_007n);
      await process.settle();
      await chain.reorganise(1, 'drop');
      await final();
      const swept = `100007 swept from ${deposit.address}`;
      expect(await logOf(hot.address)).toEqual([`Seen ${swept}`, `Reverted ${swept}`]);
      expect(await publishedLog(pool, [hot.address])).toEqual([]);
    });
  });
}
