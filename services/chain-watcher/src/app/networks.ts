import type { Mode } from '@daybook/contracts';
import type { AssetCode } from '@daybook/money';
import type { AddressFamily } from '../domain/address';
import type { ChainAsset } from '../domain/confirmation';

/** One chain in one mode, and what may be paid on it. A chain serves one mode: sandbox and live never meet on it. */
export type Network = {
  readonly chain: string;
  readonly mode: Mode;
  readonly family: AddressFamily;
  readonly assets: readonly ChainAsset[];
};

export function networkOf(networks: readonly Network[], asset: AssetCode, mode: Mode): Network | undefined {
  return networks.find((network) => network.mode === mode && (network.assets as readonly string[]).includes(asset));
}
