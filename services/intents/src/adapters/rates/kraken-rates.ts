/**
 * Kraken's public ticker: `GET /0/public/Ticker?pair=XBTUSD`, no account needed. The rate is the best ask: what one of the
 * base costs now. https://docs.kraken.com/api/docs/rest-api/get-ticker-information
 */
import { z } from 'zod';
import type { RateSource } from '../../ports';
import { askForRate } from './rate-http';
import { symbolsOf } from './symbols';

/** Kraken trades each pair one way round: what is earlier here is its base. It has no rupees. */
const order = ['TRX', 'SOL', 'ETH', 'BTC', 'USDT', 'EUR', 'GBP', 'USD'];

const unknownPair = z.object({ error: z.array(z.string()).refine((all) => all.includes('EQuery:Unknown asset pair')) });

const answer = z.object({
  error: z.array(z.string()).length(0),
  // One pair was asked for; its key is Kraken's own name of it, such as XXBTZUSD.
  result: z.record(z.string(), z.object({ a: z.array(z.string()).min(1) })),
});

export function krakenRates(baseUrl: string): RateSource {
  return {
    name: 'kraken',
    async read(from, to) {
      const pair = symbolsOf(from, to);
      if (pair === undefined || !pair.every((symbol) => order.includes(symbol))) return null;
      const [base, quote] = pair.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)) as [string, string];
      const name = `${base}${quote}`.replace('BTC', 'XBT');
      const { body, observedAt } = await askForRate(`${baseUrl}/0/public/Ticker?pair=${name}`);
      if (unknownPair.safeParse(body).success) return null;
      const read = answer.safeParse(body);
      const told = read.success ? Object.values(read.data.result) : [];
      const rate = told.length === 1 ? (told[0]?.a[0] ?? '') : '';
      return { source: 'kraken', observedAt, rate, inverse: base !== pair[0] };
    },
  };
}
