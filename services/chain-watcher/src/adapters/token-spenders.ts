/**
 * Who spends what the transfers of one token move within one transaction. Contracts that collect take tokens and pass them
 * on: what comes from one that was given tokens by a watched address before is that address's. Nothing is spent by a transfer
 * of nothing, which anybody can make from anybody's address.
 */
import type { WatchedAddresses } from '../ports';

export type TokenMove = { readonly from: string; readonly to: string; readonly amount: bigint };

/** The watched spenders of each transfer, which are given in the order of their logs. */
export function spendersOf(moves: readonly TokenMove[], watched: WatchedAddresses): readonly (readonly string[])[] {
  const givenBy = new Map<string, readonly string[]>();
  return moves.map(({ from, to, amount }) => {
    if (amount === 0n) return [];
    const spenders = watched.has(from) ? [from] : (givenBy.get(from) ?? []);
    if (!watched.has(to)) givenBy.set(to, [...new Set([...(givenBy.get(to) ?? []), ...spenders])]);
    return spenders;
  });
}
