/**
 * Asset registry. An asset on a chain is (chain, contract), never a symbol: its code names the chain it lives on,
 * and the contract is pinned by the chain-watcher's network configuration.
 */
export type Asset = {
  readonly code: AssetCode;
  /** Digits after the decimal point of one whole unit; an amount of 1.00 is 10^scale minor units. */
  readonly scale: number;
  readonly name: string;
};

export const assetCodes = [
  'TXC',
  'USD',
  'EUR',
  'GBP',
  'INR',
  'ETH',
  'USDT_ERC20',
  'USDT_TRC20',
  'SOL',
  'USDT_SOL',
  'BTC',
  'TRX',
] as const;
export type AssetCode = (typeof assetCodes)[number];

export const assets: Readonly<Record<AssetCode, Asset>> = {
  TXC: { code: 'TXC', scale: 2, name: 'TXC' },
  USD: { code: 'USD', scale: 2, name: 'US dollar' },
  EUR: { code: 'EUR', scale: 2, name: 'Euro' },
  GBP: { code: 'GBP', scale: 2, name: 'Pound sterling' },
  INR: { code: 'INR', scale: 2, name: 'Indian rupee' },
  ETH: { code: 'ETH', scale: 18, name: 'Ether on the EVM chain' },
  USDT_ERC20: { code: 'USDT_ERC20', scale: 6, name: 'Tether USD on the EVM chain' },
  USDT_TRC20: { code: 'USDT_TRC20', scale: 6, name: 'Tether USD on Tron' },
  SOL: { code: 'SOL', scale: 9, name: 'SOL on Solana' },
  USDT_SOL: { code: 'USDT_SOL', scale: 6, name: 'Tether USD on Solana' },
  BTC: { code: 'BTC', scale: 8, name: 'Bitcoin' },
  TRX: { code: 'TRX', scale: 6, name: 'TRX on Tron' },
};
