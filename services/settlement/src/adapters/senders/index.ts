/** The chains that the settings name, each verified before it is used: a node may come up later, or be replaced. */
import type { Config } from '../../config';
import type { SendChain } from '../../ports';
import { bitcoinSettings, configuredBitcoin } from './bitcoin-settings';
import { configuredEvm, evmSettings } from './evm-settings';
import { configuredSolana, solanaSettings } from './solana-settings';
import { configuredTron, tronSettings } from './tron-settings';

export const senderSettings = { ...evmSettings, ...bitcoinSettings, ...tronSettings, ...solanaSettings };

export function configuredSenders(config: Config): readonly SendChain[] {
  return [
    ...configuredEvm(config),
    ...configuredBitcoin(config),
    ...configuredTron(config),
    ...configuredSolana(config),
  ].map(verified);
}

/** Anew after every failure: what answers then may be another node. */
function verified(chain: SendChain): SendChain {
  let checking: Promise<void> | undefined;

  async function through<Answer>(use: () => Promise<Answer>): Promise<Answer> {
    checking ??= chain.verify();
    try {
      await checking;
      return await use();
    } catch (error) {
      checking = undefined;
      throw error;
    }
  }

  return {
    ...chain,
    verify: () => through(async () => undefined),
    balanceOf: (address, asset) => through(() => chain.balanceOf(address, asset)),
    prepare: (send, wallet, taken) => through(() => chain.prepare(send, wallet, taken)),
    bump: (send, prepared) => through(() => chain.bump(send, prepared)),
    broadcast: (bytes) => through(() => chain.broadcast(bytes)),
    statusOf: (slot, wallet, ids) => through(() => chain.statusOf(slot, wallet, ids)),
  };
}
