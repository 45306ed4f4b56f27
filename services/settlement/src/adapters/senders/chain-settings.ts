/** What the settings of the chains have in common, and chains whose library is loaded when the service starts. */
import { assert } from '@daybook/core';
import { assets, parseAmount, type AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { SendChain } from '../../ports';

/** Chains with a public network are live unless it is said otherwise. */
export const modeSetting = z.enum(['sandbox', 'live']).default('live');

export const amountSetting = (asset: AssetCode) =>
  z
    .string()
    .transform((text) => parseAmount(text, assets[asset].scale))
    .refine((amount) => amount.ok && amount.units > 0n, `must be an amount of ${asset} above zero`)
    .transform((amount) => (amount.ok ? amount.units : 0n));

type Known = Pick<SendChain, 'chain' | 'mode' | 'family' | 'assets' | 'feeAsset'>;

/** A chain of which everything but what is known is asked after `start`. */
export function opened(known: Known, open: () => Promise<SendChain>): SendChain {
  let chain: SendChain | undefined;
  function started(): SendChain {
    assert(chain, `${known.chain} has not been started`);
    return chain;
  }
  return {
    ...known,
    async start() {
      chain = await open();
      assert(chain.chain === known.chain && chain.assets.join() === known.assets.join(), `${known.chain} is another`);
    },
    hasContract: () => false,
    verify: () => started().verify(),
    balanceOf: (address, asset) => started().balanceOf(address, asset),
    canonical: (address) => started().canonical(address),
    prepare: (send, wallet, taken) => started().prepare(send, wallet, taken),
    bump: (send, prepared) => started().bump(send, prepared),
    broadcast: (bytes) => started().broadcast(bytes),
    statusOf: (slot, wallet, ids) => started().statusOf(slot, wallet, ids),
    stop: async () => chain?.stop(),
  };
}
