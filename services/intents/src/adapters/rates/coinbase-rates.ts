/**
 * Coinbase's public exchange rates: `GET /v2/exchange-rates?currency=BTC`, no account needed.
 * https://docs.cdp.coinbase.com/coinbase-app/track-apis/exchange-rates
 */
import { z } from 'zod';
import type { RateSource } from '../../ports';
import { askForRate } from './rate-http';
import { symbolsOf } from './symbols';

const answer = z.object({ data: z.object({ currency: z.string(), rates: z.record(z.string(), z.unknown()) }) });

export function coinbaseRates(baseUrl: string): RateSource {
  return {
    name: 'coinbase',
    async read(from, to) {
      const pair = symbolsOf(from, to);
      if (pair === undefined) return null;
      const [base, quote] = pair;
      const { body, observedAt } = await askForRate(`${baseUrl}/v2/exchange-rates?currency=${base}`);
      const read = answer.safeParse(body);
      // An answer about another currency is no answer.
      const said = read.success && read.data.data.currency === base ? read.data.data.rates[quote] : undefined;
      return { source: 'coinbase', observedAt, rate: typeof said === 'string' ? said : '' };
    },
  };
}
