/**
 * Who spends what the transfers of one token move within one transaction. Contracts that collect take tokens and pass them
 * on: what comes from one that was given tokens by a watched address before is that address's. So is whatever moves in a
 * transaction that it signed: a contract that pays out at its word. Nothing is spent by a transfer of nothing, which anybody can
 * make from anybody's address.
 */
import type { WatchedAddresses } from '../ports';

export type TokenMove = { readonly from: string; readonly to: string; readonly amount: bigint };

/** The watched spenders of each transfer, which are given in the order of their logs. `signer` signed the transaction. */
export function spendersOf(
  moves: readonly TokenMove[],
  signer: string,
  watched: WatchedAddresses,
): readonly (readonly string[])[] {
  const signing = watched.has(signer) ? [signer] : [];
  const givenBy = new Map<string, readonly string[]>();
  return moves.map(({ from, to, amount }) => {
    if (amount === 0n) return [];
    const named = watched.has(from) ? [from] : (givenBy.get(from) ?? []);
    const spenders = [...new Set([...signing, ...named])];
    if (!watched.has(to)) givenBy.set(to, [...new Set([...(givenBy.get(to) ?? []), ...spenders])]);
    return spenders;
  });
}
