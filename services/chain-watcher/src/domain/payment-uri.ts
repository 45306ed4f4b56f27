/**
 * Payment URIs: what a wallet makes of a scanned code. Amounts are exact and in the unit that each scheme names.
 *
 *   Bitcoin     BIP-21          bitcoin:<address>?amount=<BTC>
 *   EVM         EIP-681         ethereum:<address>@<chain id>?value=<wei>, or a token's transfer(address,uint256)
 *   Solana      Solana Pay 1.0  solana:<address>?amount=<units>[&spl-token=<mint>]
 *   Tron        as TronLink and exchanges read it: tron:<address>?amount=<units>[&token=<contract>]
 *   UPI         the address is a link already
 */
import { assert } from '@daybook/core';
import { assets, formatAmount, type AssetCode } from '@daybook/money';
import type { AddressFamily } from './address';

export type Payable = {
  readonly family: AddressFamily;
  readonly address: string;
  readonly asset: AssetCode;
  /** Null where none was asked for. */
  readonly amount: bigint | null;
};
/** Contract of the asset where it has one, and the chain's id on EVM. */
export type PaymentPlace = { readonly contract: string | undefined; readonly chainId: number | undefined };

export function paymentUri({ family, address, asset, amount }: Payable, { contract, chainId }: PaymentPlace): string {
  const units = amount === null ? undefined : formatAmount(amount, assets[asset].scale);
  switch (family) {
    case 'bitcoin':
      return withQuery(`bitcoin:${address}`, { amount: units });
    case 'evm':
      assert(chainId, 'an EVM address without a chain');
      return contract === undefined
        ? withQuery(`ethereum:${address}@${chainId}`, { value: amount?.toString() })
        : withQuery(`ethereum:${contract}@${chainId}/transfer`, { address, uint256: amount?.toString() });
    case 'solana':
      return withQuery(`solana:${address}`, { amount: units, 'spl-token': contract });
    case 'tron':
      return withQuery(`tron:${address}`, { amount: units, token: contract });
    case 'upi':
      return address;
  }
}

/** Values here are digits and base58: nothing has to be escaped. */
function withQuery(uri: string, fields: Readonly<Record<string, string | undefined>>): string {
  const query = Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
  return query.length === 0 ? uri : `${uri}?${query.join('&')}`;
}
