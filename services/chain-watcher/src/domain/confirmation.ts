/**
 * Confirmation: when a deposit is final. One rule a chain; a deposit is spendable when its block is final for its amount
 * and not one block earlier. Depth is counted on the blocks that the watcher itself has linked, never on the number that
 * a node claims. A chain's own mark counts only as a block that the watcher has linked too.
 *
 * Invariants (each has a property test of the same name):
 *   C1  A block is final from the moment it has the rule's confirmations, its own included, and stays final.
 *   C2  A larger amount of an asset is never final before a smaller one in the same block.
 *   C3  What is above the chain's mark is not final, however deep.
 */
import type { AssetCode } from '@daybook/money';

/** From `amount` minor units of the asset on, this many confirmations. */
export type Tier = { readonly asset: AssetCode; readonly amount: bigint; readonly confirmations: number };

/**
 * `depth`: the block has `confirmations` blocks from itself to the tip, both counted; more where a tier asks for more.
 * `finalized`: the chain marks its newest final block, and the block is not above it.
 */
export type FinalityRule =
  | { readonly kind: 'depth'; readonly confirmations: number; readonly tiers?: readonly Tier[] }
  | { readonly kind: 'finalized' };

export type ChainAsset = Exclude<AssetCode, 'TXC' | 'USD' | 'EUR' | 'GBP'>;

type Place = { readonly blockNumber: number; readonly asset: AssetCode; readonly amount: bigint };

/** `finalNumber` is the newest block that the chain marks as final; undefined when it marks none. */
export function isFinal(
  rule: FinalityRule,
  place: Place,
  tipNumber: number,
  finalNumber: number | undefined = undefined,
): boolean {
  if (rule.kind === 'finalized') return finalNumber !== undefined && place.blockNumber <= finalNumber;
  return place.blockNumber <= tipNumber - confirmationsOf(rule, place) + 1;
}

/** The confirmations with which a block is final whatever is in it. */
export function confirmationsMax({ confirmations, tiers = [] }: Extract<FinalityRule, { kind: 'depth' }>): number {
  return Math.max(confirmations, ...tiers.map((tier) => tier.confirmations));
}

function confirmationsOf(rule: Extract<FinalityRule, { kind: 'depth' }>, { asset, amount }: Place): number {
  const asked = (rule.tiers ?? []).filter((tier) => tier.asset === asset && amount >= tier.amount);
  return Math.max(rule.confirmations, ...asked.map(({ confirmations }) => confirmations));
}
