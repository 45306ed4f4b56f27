import { testDatabase, type TestDatabase } from '@daybook/testing';
import type { Pool } from 'pg';
import { describeChainSource } from './chain-source.contract';
import { describePayments } from './payments.contract';
import { describeSweeps } from './sweeps.contract';
import type { PaymentKind, TestChain } from './test-chain';
import { prepare, schema } from './watch-process';
import { describeWatcher } from './watcher.contract';

type Options = {
  /** Why the chain has no such payments. */
  readonly cannot?: Partial<Record<PaymentKind | 'wire', string>>;
  /** Random schedules of deposits, reorgs, crashes and restarts. */
  readonly schedules: number;
};

/**
 * What every chain owes, whatever is behind the port: one chain, told without gaps; payments counted by what arrived;
 * sweeps that are told from payments; a watcher whose confirmed deposits are the chain's. A chain that needs an exception is not a chain.
 */
export function describeChain(name: string, create: (pool: Pool) => Promise<TestChain>, options: Options): void {
  describe(name, () => {
    let database: TestDatabase;
    let pool: Pool;
    let chain: TestChain;
    beforeAll(async () => {
      database = await testDatabase();
      pool = database.pool(schema);
      await prepare(pool);
      chain = await create(pool);
    });
    afterAll(async () => {
      await chain?.stop();
      await database?.drop();
    });
    const given = () => ({ pool, chain });

    describeChainSource(name, () => chain);
    describePayments(name, given, options.cannot ?? {});
    describeSweeps(name, given, options.cannot?.spender);
    describeWatcher(name, given, options.schedules);
  });
}
