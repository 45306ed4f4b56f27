/**
 * Confirmation: when a block is final for an asset. One table, one rule an asset; a deposit is spendable when its
 * block is final and not one block earlier. Depth is counted on the blocks that the watcher itself has linked, never
 * on the number that a node claims.
 *
 * Invariants (each has a property test of the same name):
 *   C1  A block is final from the moment it has the rule's confirmations, its own included, and stays final.
 */
import type { AssetCode } from '@daybook/money';

/** `depth`: the block has `confirmations` blocks from itself to the tip, both counted. */
export type ConfirmationRule = { readonly kind: 'depth'; readonly confirmations: number };

export type ChainAsset = Exclude<AssetCode, 'TXC'>;
export type ConfirmationRules = Readonly<Record<ChainAsset, ConfirmationRule>>;

export function confirmationRules(depths: { readonly evm: number; readonly sandbox: number }): ConfirmationRules {
  const evm: ConfirmationRule = { kind: 'depth', confirmations: depths.evm };
  const sandbox: ConfirmationRule = { kind: 'depth', confirmations: depths.sandbox };
  return {
    ETH: evm,
    USDT_ERC20: evm,
    USDT_TRC20: sandbox,
    SOL: sandbox,
    USDT_SOL: sandbox,
    INR: sandbox,
  };
}

export function isFinal(rule: ConfirmationRule, blockNumber: number, tipNumber: number): boolean {
  return blockNumber <= tipNumber - rule.confirmations + 1;
}
