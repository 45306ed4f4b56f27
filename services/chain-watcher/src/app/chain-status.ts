import type { CallOutcome, chainStatus } from '@daybook/contracts';
import type { BlockReference } from '../domain/reorg';
import type { BalanceBook } from '../ports';
import type { ChainState } from './chain-watcher';

export type StatusDeps = {
  readonly chains: readonly {
    readonly chain: string;
    state(): ChainState;
    tip(): Promise<BlockReference | undefined>;
    unexplained: BalanceBook['unexplained'];
  }[];
};

/** Findings that are listed; the count is of all. */
const balancesMax = 100;

/** How far each chain is followed, and what keeps it from being followed further. */
export async function statusOfChains(deps: StatusDeps): Promise<CallOutcome<typeof chainStatus>> {
  const chains = await Promise.all(
    deps.chains.map(async ({ chain, state, tip, unexplained }) => {
      const [{ head, headChangedAt, updatedAt, error, faults, alarm }, cursor, { count, balances }] = [
        state(),
        await tip(),
        await unexplained(balancesMax),
      ];
      const off = faults.map(({ asset, reason }) => `${asset} is not credited: ${reason}`);
      return {
        chain,
        headNumber: head?.number ?? null,
        headChangedAt,
        cursorNumber: cursor?.number ?? null,
        cursorHash: cursor?.hash ?? null,
        lagBlocks: head && cursor ? Math.max(0, head.number - cursor.number) : null,
        updatedAt,
        error: error ?? off[0] ?? null,
        alarm,
        unexplainedCount: count,
        unexplained: [...balances],
      };
    }),
  );
  return { ok: true, value: { chains } };
}
