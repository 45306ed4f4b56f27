/**
 * Seeded commands as a busy book gets them. Tenants have a hundred accounts each, all with an overdraft limit that every
 * transfer is checked against. A transfer is one event with two postings between two accounts of a tenant.
 */
import { sha256Hex, uuidFrom } from '@daybook/runtime';
import type { BookCommand } from '../domain/book-commands';
import { createRandom } from './random';

export type Workload = {
  /** What has to be done before the first transfer. */
  readonly accounts: readonly BookCommand[];
  transfer(): BookCommand;
};

export type WorkloadOptions = {
  readonly seed: number;
  readonly accounts: number;
  /** Every debit is from one account. */
  readonly hot?: boolean;
};

const accountsPerTenant = 100;
const asset = 'TXC';
const overdraft = -(10n ** 18n);

export function createWorkload({ seed, accounts, hot = false }: WorkloadOptions): Workload {
  const random = createRandom(seed);
  const owners = Array.from({ length: Math.ceil(accounts / accountsPerTenant) }, (_, n) =>
    uuidFrom(['owner', `${n}`], 4),
  );
  const ownerOf = (index: number) => owners[Math.floor(index / accountsPerTenant)]!;
  const ids = Array.from(
    { length: accounts },
    (_, index) => `acct:${ownerOf(index)}:wallet-${index % accountsPerTenant}`,
  );
  const within = (tenant: number) => Math.min(accounts - tenant * accountsPerTenant, accountsPerTenant);
  // Ids as clients make them whose UUIDs begin with the time.
  const prefix = `${random.uuid().slice(0, 24)}`;
  // What a caller sends has its hash from the gateway; to the engine it is any text of this length.
  const hashes = Array.from({ length: 4_096 }, (_, n) => sha256Hex(`request ${seed} ${n}`));
  let count = 0;
  return {
    accounts: ids.map((accountId, index) => ({
      type: 'OpenAccount',
      accountId,
      tenantId: ownerOf(index),
      asset,
      accountType: 'liability',
      floor: overdraft,
    })),
    transfer() {
      const tenant = hot ? 0 : random.below(owners.length);
      const own = within(tenant);
      const debit = hot ? 0 : random.below(own);
      const credit = (debit + 1 + random.below(own - 1)) % own;
      const debitAccountId = ids[tenant * accountsPerTenant + debit]!;
      const creditAccountId = ids[tenant * accountsPerTenant + credit]!;
      const amount = BigInt(1 + random.below(1_000_000));
      const transactionId = prefix + (count++).toString(16).padStart(12, '0');
      return {
        type: 'PostTransaction',
        transactionId,
        contentHash: hashes[count % hashes.length]!,
        tenantId: owners[tenant]!,
        mode: 'authorizing',
        entries: [
          { accountId: debitAccountId, asset, direction: 'debit', amount },
          { accountId: creditAccountId, asset, direction: 'credit', amount },
        ],
        effectiveAt: null,
        closedPeriod: 'refuse',
        description: null,
        metadata: null,
        actor: 'bench',
      };
    },
  };
}
