/** Rates that never change, for the sandbox: no network, and the same answer to every test. */
import type { AssetCode } from '@daybook/money';
import type { Clock } from '@daybook/runtime';
import { parseRate, rateOf } from '../../domain/rate';
import type { RateSource } from '../../ports';

/** US dollars for one. */
const dollars: Readonly<Record<AssetCode, string>> = {
  TXC: '1',
  USD: '1',
  EUR: '1.1',
  GBP: '1.25',
  INR: '0.0125',
  ETH: '2500',
  USDT_ERC20: '1',
  USDT_TRC20: '1',
  SOL: '125',
  USDT_SOL: '1',
  BTC: '50000',
  TRX: '0.125',
};

export function fixedRates(now: Clock): RateSource {
  return {
    name: 'fixed',
    async read(from, to) {
      const [worth, price] = [parseRate(dollars[from]), parseRate(dollars[to])];
      if (typeof worth === 'string' || typeof price === 'string' || from === to) return null;
      const rate = rateOf(worth.numerator * price.denominator, worth.denominator * price.numerator);
      return { source: 'fixed', observedAt: now().toISOString(), rate };
    },
  };
}
