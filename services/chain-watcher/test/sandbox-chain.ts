import type { Pool } from 'pg';
import { randomUUID } from 'node:crypto';
import { sandboxChain, type SandboxChainName } from '../src/adapters/sandbox-chain';
import { byDepth, type TestChain } from './test-chain';

/** A simulated chain in a database that is migrated. */
export async function sandboxTestChain(pool: Pool, name: SandboxChainName = 'sandbox-tron'): Promise<TestChain> {
  const chain = sandboxChain(pool, name);
  await chain.start();
  return {
    name,
    asset: 'USDT_TRC20',
    rule: byDepth,
    payments: {},
    connect: () => sandboxChain(pool, name),
    newAddress: async () => `T${randomUUID()}`,
    async pay(address, amount) {
      const outcome = await chain.deposit({ depositKey: randomUUID(), address, asset: 'USDT_TRC20', amount });
      if (!outcome.ok) throw new Error(outcome.rejection);
      return outcome;
    },
    async mine(blocks) {
      for (let mined = 0; mined < blocks; mined++) await chain.mine();
    },
    reorganise: (depth, transfers) => chain.reorganise(depth, transfers),
    stop: async () => undefined,
  };
}
