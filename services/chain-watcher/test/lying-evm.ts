/** A real EVM node behind a wire on which a test changes what it answers. */
import { Secret } from '@daybook/runtime';
import { evmChainOver } from '../src/adapters/evm-chain';
import type { EvmNative } from '../src/adapters/evm-networks';
import { ethersProvider, type EvmProvider } from '../src/adapters/evm-rpc';
import type { ChainSource } from '../src/ports';

const chainId = 31_337;
type Receipt = { readonly logs: readonly unknown[] };
type Answer = (method: string, parameters: readonly unknown[], told: unknown) => unknown;

export type LyingChain = {
  readonly source: ChainSource;
  /** What becomes of any answer from now on. */
  answer(change: Answer): void;
  /** The same for the receipts of a block. */
  receipts(change: (receipts: readonly Receipt[]) => readonly Receipt[] | 'not offered'): void;
};

export async function lyingChain(
  url: string,
  usdtContract: string | undefined,
  native?: EvmNative,
): Promise<LyingChain> {
  let change: Answer = (_method, _parameters, told) => told;
  const open = async (): Promise<EvmProvider> => {
    const provider = await ethersProvider(new Secret(url), chainId)();
    return {
      async send(method, parameters) {
        const told = await provider.send(method, parameters).catch((error: unknown) => error);
        const changed = change(method, parameters, told);
        if (changed instanceof Error) throw changed;
        return changed;
      },
      destroy: () => provider.destroy(),
    };
  };
  return {
    source: evmChainOver(open, { chainId, usdtContract, native }),
    answer: (next) => void (change = next),
    receipts: (next) =>
      void (change = (method, _parameters, told) => {
        if (method !== 'eth_getBlockReceipts' || told instanceof Error) return told;
        const changed = next(told as readonly Receipt[]);
        return changed === 'not offered'
          ? Object.assign(new Error(changed), { code: 'UNSUPPORTED_OPERATION' })
          : changed;
      }),
  };
}
