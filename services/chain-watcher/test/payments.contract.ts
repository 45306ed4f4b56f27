import { isOperationalError } from '@daybook/core';
import type { Pool } from 'pg';
import { faultyWire } from './faulty-wire';
import type { PaymentKind, Payments, TestChain } from './test-chain';
import { depositLog, summary, watchProcess, type WatchProcess } from './watch-process';
import { confirmations } from './watcher.contract';

const failures = 34;

/** Payments that are not simply one transfer, and nodes that are not simply wrong. Only what arrived is credited. */
export function describePayments(
  name: string,
  given: () => { readonly pool: Pool; readonly chain: TestChain },
  cannot: Partial<Record<PaymentKind | 'wire', string>>,
): void {
  describe(`payments on ${name}`, () => {
    let pool: Pool;
    let chain: TestChain;
    let process: WatchProcess;
    beforeAll(async () => {
      ({ pool, chain } = given());
      await chain.mine(1);
      process = await watchProcess(pool, chain.connect(), { rule: chain.rule(confirmations) });
      await process.settle();
    });
    afterAll(async () => process?.stop());

    async function watched(): Promise<string> {
      const address = await chain.newAddress();
      await process.allocate(address, chain.name);
      return address;
    }
    async function confirmed(...addresses: string[]): Promise<string[]> {
      await chain.mine(confirmations);
      await process.settle();
      const log = summary(await depositLog(pool, addresses));
      expect(log.filter((line) => line.startsWith('Reverted'))).toEqual([]);
      return log.filter((line) => line.startsWith('Confirmed')).map((line) => line.slice('Confirmed '.length));
    }
    /** A case of a kind of payment. A chain that says it cannot have it must not offer it either. */
    function paying<Kind extends PaymentKind>(
      kind: Kind,
      rule: string,
      run: (pay: Payments[Kind]) => Promise<void>,
    ): void {
      const reason = cannot[kind];
      test(reason === undefined ? rule : `has no case of "${rule}": ${reason}`, async () => {
        const pay = chain.payments[kind];
        expect(pay === undefined).toBe(reason !== undefined);
        if (pay) await run(pay as Payments[Kind]);
      });
    }

    paying('several', 'several transfers of one transaction are several deposits', async (several) => {
      const [one, two] = [await watched(), await watched()];
      const { transactionId } = await several([
        { to: one, amount: 10_001n },
        { to: two, amount: 10_002n },
        { to: await chain.newAddress(), amount: 10_003n },
      ]);
      await confirmed(one, two);
      const deposits = (await depositLog(pool, [one, two])).filter(({ type }) => type === 'DepositConfirmed');
      expect(deposits.map(({ address, amount }) => [address, amount])).toEqual(
        expect.arrayContaining([
          [one, 10_001n],
          [two, 10_002n],
        ]),
      );
      expect(deposits).toHaveLength(2);
      expect(new Set(deposits.map((deposit) => deposit.transactionId))).toEqual(new Set([transactionId]));
      expect(new Set(deposits.map(({ index }) => index)).size).toBe(2);
    });

    test('an address is paid again, also long after', async () => {
      const address = await watched();
      await chain.pay(address, 20_001n);
      await chain.mine(2 * confirmations);
      await chain.pay(address, 20_001n);
      await chain.pay(address, 20_002n);
      const amounts = await confirmed(address);
      expect(amounts.toSorted()).toEqual([20_001, 20_001, 20_002].map((amount) => `${amount} ${chain.asset}`));
    });

    paying(
      'token',
      'coin and token at one address are each told as what arrived, whichever it is for',
      async (token) => {
        const address = await watched();
        await token(address, 1_234_567n);
        await chain.pay(address, 1_234_568n);
        expect((await confirmed(address)).toSorted()).toEqual(
          [`1234567 ${chain.token}`, `1234568 ${chain.asset}`].toSorted(),
        );
        const deposits = await depositLog(pool, [address]);
        expect(new Set(deposits.map(({ reference }) => reference))).toEqual(new Set([`for ${address}`]));
      },
    );
    paying(
      'failed',
      `of ${failures} transactions that failed none is credited, and what is paid after them is`,
      async (failed) => {
        const address = await watched();
        for (let at = 0; at < failures; at++) await failed(address, 30_001n + BigInt(at));
        await chain.pay(address, 30_000n);
        expect(await confirmed(address)).toEqual([`30000 ${chain.asset}`]);
      },
    );
    paying('lookAlike', 'a token that only looks like the pinned one credits nothing', async (lookAlike) => {
      const address = await watched();
      await lookAlike(address, 1_000_000n);
      expect(await confirmed(address)).toEqual([]);
    });
    paying('nothing', 'a transfer of nothing credits nothing', async (nothing) => {
      const address = await watched();
      await nothing(address);
      expect(await confirmed(address)).toEqual([]);
    });
    paying('replaced', 'of a payment and its replacement, only what was mined is credited', async (replaced) => {
      const [address, instead] = [await watched(), await watched()];
      await replaced(address, instead, 40_001n);
      expect(await confirmed(address, instead)).toEqual([`40001 ${chain.asset}`]);
      expect(await confirmed(instead)).toEqual([`40001 ${chain.asset}`]);
    });
    paying('withFee', 'of a token that keeps a part, what arrived is credited', async (withFee) => {
      const address = await watched();
      const arrived = await withFee(address, 1_000_000n);
      expect(arrived).toBeGreaterThan(0n);
      expect(arrived).toBeLessThan(1_000_000n);
      expect(await confirmed(address)).toEqual([`${arrived} ${chain.token}`]);
    });

    test('a deposit found again under another number of watchers and passes is one deposit', async () => {
      const address = await watched();
      await chain.pay(address, 50_001n);
      await chain.mine(confirmations);
      const others = await Promise.all(
        [1, 2].map(() => watchProcess(pool, chain.connect(), { rule: chain.rule(confirmations) })),
      );
      await Promise.all([process, ...others].map((one) => settled(one)));
      await Promise.all(others.map((one) => one.stop()));
      expect(await confirmed(address)).toEqual([`50001 ${chain.asset}`]);
    });

    const { wire } = cannot;
    const how = wire ? `: ${wire}` : '';
    test(`a node that errs, breaks off, answers nonsense or repeats itself loses nothing${how}`, async () => {
      expect(chain.wire === undefined).toBe(wire !== undefined);
      if (chain.wire === undefined) return;
      const address = await watched();
      const proxy = await faultyWire(chain.wire.url);
      const behind = await watchProcess(pool, chain.wire.connect(proxy.url), { rule: chain.rule(confirmations) });
      for (let paid = 60_001n; paid <= 60_003n; paid++) {
        await chain.pay(address, paid);
        await tried(behind, 4);
      }
      await chain.mine(confirmations);
      const refused = await tried(behind, 40);
      proxy.heal();
      await behind.settle();
      await behind.stop();
      await proxy.stop();
      expect(refused).toBeGreaterThan(0);
      expect((await confirmed(address)).toSorted()).toEqual([1, 2, 3].map((at) => `6000${at} ${chain.asset}`));
    });

    /** Passes until there is nothing more, whoever is first. */
    async function settled(one: WatchProcess): Promise<void> {
      for (let tries = 0; tries < 20; tries++) {
        if ((await tried(one, 1)) === 0) return one.settle().catch(onlyOperational);
      }
    }
    /** How many of the passes failed. */
    async function tried(one: WatchProcess, passes: number): Promise<number> {
      let failed = 0;
      for (let pass = 0; pass < passes; pass++) {
        await one.pass().catch((error: unknown) => {
          onlyOperational(error);
          failed++;
        });
      }
      return failed;
    }
  });
}

function onlyOperational(error: unknown): void {
  if (!isOperationalError(error)) throw error;
}
