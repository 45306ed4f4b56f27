/** Seeded commands as a busy book gets them. A transfer is one event with two postings. */
import { uuidFrom } from '@daybook/runtime';
import { contentHashOf } from '../app/books';
import type { BookCommand } from '../domain/book-commands';
import { createRandom } from './random';

export type Workload = {
  /** Next transfer, between any two accounts, or with every debit from one. */
  transfer(): BookCommand;
};

export function createWorkload(options: {
  readonly seed: number;
  readonly accounts: number;
  readonly hot: boolean;
}): Workload {
  const random = createRandom(options.seed);
  const tenants = Array.from({ length: options.accounts }, (_, index) => uuidFrom(['tenant', `${index}`], 4));
  return {
    transfer() {
      const tenantId = tenants[options.hot ? 0 : random.below(tenants.length)]!;
      const settlementId = random.uuid();
      const fact = {
        type: 'settlement',
        settlementId,
        intentId: settlementId,
        tenantId,
        asset: 'TXC',
        amount: BigInt(1 + random.below(1_000_000)),
      } as const;
      return {
        type: 'PostFact',
        transactionId: settlementId,
        contentHash: contentHashOf(fact),
        fact,
        effectiveAt: '2026-01-01T00:00:00.000Z',
      };
    },
  };
}
