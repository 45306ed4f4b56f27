import { isOperationalError } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import type { ChainSource } from '../ports';

/** Why nothing is credited in an asset now. */
export type AssetFault = { readonly asset: AssetCode; readonly reason: string };

/** What cannot be found out speaks against an asset too, and against no other. */
export async function faultsOf(source: ChainSource, assets: Iterable<AssetCode>): Promise<readonly AssetFault[]> {
  const looked = await Promise.all([...assets].map(async (asset) => ({ asset, reason: await faultOf(source, asset) })));
  return looked.flatMap(({ asset, reason }) => (reason === undefined ? [] : [{ asset, reason }]));
}

async function faultOf(source: ChainSource, asset: AssetCode): Promise<string | undefined> {
  try {
    return await source.faultOf(asset);
  } catch (error) {
    if (isOperationalError(error)) return error.message;
    throw error;
  }
}
