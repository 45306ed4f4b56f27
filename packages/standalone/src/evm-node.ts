import { join } from 'node:path';
import { deploySandboxUsdt, embeddedEvmNode, sandboxDeployerKey } from '@daybook/embedded';
import { inOrder, type Component } from '@daybook/runtime';
import { deploySettlement, hasSettlement, settlementAddress } from '@daybook/settlement-contract';
import type { Config } from './config';

/** The EVM chain, and the contracts on it that this instance uses. */
export type EvmPlace = {
  readonly rpcUrl: string;
  readonly usdtContract: string;
  /** Absent on a chain that does not have it. */
  readonly settlementContract?: string;
};

/**
 * A development chain of our own if no node is named: one block a second, state kept over restarts. What a development
 * chain lacks is deployed at its first start. A named node counts as one when no USDT contract is named on it.
 */
export function evmNode(config: Config, announce: (place: EvmPlace) => void): Component {
  const prepare = async (rpcUrl: string) => announce(await contractsOn(rpcUrl, config.EVM_USDT_CONTRACT));
  const url = config.EVM_RPC_URL;
  if (url !== undefined) return { name: 'EVM node', start: () => prepare(url), stop: async () => undefined };
  const node = embeddedEvmNode({
    directory: join(config.DAYBOOK_HOME, 'evm'),
    wholeDirectory: config.DAYBOOK_HOME,
    blockTimeSeconds: 1,
  });
  const contracts: Component = { name: 'contracts', start: () => prepare(node.url), stop: async () => undefined };
  return inOrder('EVM chain', [node, contracts]);
}

async function contractsOn(rpcUrl: string, usdtContract: string | undefined): Promise<EvmPlace> {
  if (usdtContract !== undefined) {
    const known = await hasSettlement(rpcUrl);
    return { rpcUrl, usdtContract, ...(known ? { settlementContract: settlementAddress } : {}) };
  }
  const usdt = await deploySandboxUsdt(rpcUrl);
  const settlement = await deploySettlement({ rpcUrl, privateKey: sandboxDeployerKey() });
  return { rpcUrl, usdtContract: usdt.address, settlementContract: settlement.address };
}
