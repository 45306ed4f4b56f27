/**
 * wallets_v1: every hot wallet. Source: wallet streams. Order: global.
 * Serves: reconciliation, which looks at all of them.
 */
import type { Projection } from '@daybook/event-store';
import type { AssetCode } from '@daybook/money';
import type { Pool } from 'pg';
import type { FundingEvent } from '../domain/wallet-funding';
import type { RegistryEvent } from '../domain/wallet-registry';
import type { WalletEvent, WalletFields } from '../domain/wallet';

export const walletsProjection: Projection<WalletEvent | RegistryEvent | FundingEvent> = {
  name: 'wallets',
  version: 1,
  handlers: {
    WalletOpened: ({ wallet }) => [
      {
        text: `insert into wallets_v1
                 (wallet_id, tenant_id, mode, chain, family, index, address, public_key, fee_asset, assets)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (wallet_id) do nothing`,
        values: [
          wallet.walletId,
          wallet.tenantId,
          wallet.mode,
          wallet.chain,
          wallet.family,
          wallet.index,
          wallet.address,
          wallet.publicKey,
          wallet.feeAsset,
          [...wallet.assets],
        ],
      },
    ],
  },
};

type Row = {
  wallet_id: string;
  tenant_id: string;
  mode: WalletFields['mode'];
  chain: string;
  family: WalletFields['family'];
  index: number;
  address: string;
  public_key: string;
  fee_asset: AssetCode;
  assets: AssetCode[];
};

export async function allWallets(pool: Pool): Promise<readonly WalletFields[]> {
  const { rows } = await pool.query<Row>('select * from wallets_v1 order by chain, index');
  return rows.map((row) => ({
    walletId: row.wallet_id,
    tenantId: row.tenant_id,
    mode: row.mode,
    chain: row.chain,
    family: row.family,
    index: row.index,
    address: row.address,
    publicKey: row.public_key,
    feeAsset: row.fee_asset,
    assets: row.assets,
  }));
}
