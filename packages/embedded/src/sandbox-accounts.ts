/** The accounts of a development chain: keys of the development mnemonic, which everybody knows. */
import type * as Ethers from 'ethers';
import type { HDNodeWallet, JsonRpcProvider } from 'ethers';
import { sandboxMnemonic } from './embedded-evm-node';

export const deployerIndex = 0;

export type Chain = {
  readonly provider: JsonRpcProvider;
  account(index: number): HDNodeWallet;
};

/** Private key of the account that puts contracts on a development chain. */
export function sandboxDeployerKey(): string {
  return accountOf(deployerIndex).privateKey;
}

export async function withChain<T>(rpcUrl: string, work: (chain: Chain) => Promise<T>): Promise<T> {
  const { JsonRpcProvider } = loadEthers();
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 1 });
  provider.pollingInterval = 50;
  try {
    return await work({ provider, account: (index) => accountOf(index).connect(provider) });
  } finally {
    provider.destroy();
  }
}

function accountOf(index: number): HDNodeWallet {
  return loadEthers().HDNodeWallet.fromPhrase(sandboxMnemonic, undefined, `m/44'/60'/0'/0/${index}`);
}

/** Loaded when needed, because it takes half a second; `import()` would give the other, incompatible half of its types. */
export function loadEthers(): typeof Ethers {
  return require('ethers') as typeof Ethers;
}
