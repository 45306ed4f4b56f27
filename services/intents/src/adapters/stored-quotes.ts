/** The stored form of quotes: private to this service. The rate that was used is in the event, as an exact fraction. */
import { asset, minorUnits, mode } from '@daybook/contracts';
import { z } from 'zod';

const digits = z.codec(z.string().regex(/^[1-9]\d*$/), z.bigint(), {
  decode: (text) => BigInt(text),
  encode: (value) => value.toString(),
});

export const quoteDefinitions = {
  QuoteIssued: {
    version: 1,
    data: z.object({
      quote: z.object({
        quoteId: z.string(),
        tenantId: z.string(),
        mode,
        from: asset,
        to: asset,
        amount: minorUnits,
        toAmount: minorUnits,
        rate: z.object({ numerator: digits, denominator: digits }),
        sources: z.array(z.string()).readonly(),
        observedAt: z.string(),
        createdAt: z.string(),
        expiresAt: z.string(),
      }),
    }),
  },
} as const;
