import type { AssetCode } from '@daybook/money';

/** What exchanges call our assets: a stablecoin has one price on all its chains. TXC is traded nowhere. */
const symbols: Readonly<Partial<Record<AssetCode, string>>> = {
  BTC: 'BTC',
  ETH: 'ETH',
  SOL: 'SOL',
  TRX: 'TRX',
  USDT_ERC20: 'USDT',
  USDT_TRC20: 'USDT',
  USDT_SOL: 'USDT',
  EUR: 'EUR',
  GBP: 'GBP',
  USD: 'USD',
  INR: 'INR',
};

/** Undefined when the pair is not one of two things that are traded for each other. */
export function symbolsOf(from: AssetCode, to: AssetCode): readonly [string, string] | undefined {
  const [base, quote] = [symbols[from], symbols[to]];
  return base === undefined || quote === undefined || base === quote ? undefined : [base, quote];
}
