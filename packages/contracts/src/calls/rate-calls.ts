import { z } from 'zod';
import { defineCall } from '../call-contract';
import { asset, minorUnits, mode, tenantId, timestamp } from '../fields';

const positive = z.codec(z.string().regex(/^[1-9]\d*$/), z.bigint(), {
  decode: (digits) => BigInt(digits),
  encode: (value) => value.toString(),
});

/** Units of `to` for one unit of `from`, both whole units: an exact fraction in lowest terms. */
const rate = { from: asset, to: asset, numerator: positive, denominator: positive };

const rateView = z.object({
  ...rate,
  /** Who said so. */
  sources: z.array(z.string()),
  /** When the oldest of them did. */
  observedAt: timestamp,
});

export const quoteView = z.object({
  quoteId: z.uuid(),
  ...rate,
  amount: minorUnits,
  /** By the rate, rounded down to minor units. */
  toAmount: minorUnits,
  sources: z.array(z.string()),
  observedAt: timestamp,
  createdAt: timestamp,
  /** The first instant at which it does not hold any more. Until then it may be used as often as one likes. */
  expiresAt: timestamp,
});

/** Why there is no rate. Of several sources, what is said of the one that came furthest. */
const noRate = [
  'pair_not_supported',
  'rate_source_down',
  'rate_not_a_number',
  'rate_not_positive',
  'rate_stale',
  'rate_out_of_range',
  'rate_inverted',
  'rate_jumped',
  'rates_disagree',
] as const;

export const getRate = defineCall({
  name: 'intents.get-rate',
  outward: true,
  request: z.strictObject({ mode, from: asset, to: asset }),
  response: z.object({ rate: rateView }),
  rejections: noRate,
});

/** A repeat with the same key answers the quote that is there, expired or not. */
export const createQuote = defineCall({
  name: 'intents.create-quote',
  outward: true,
  request: z.strictObject({
    tenantId,
    mode,
    from: asset,
    to: asset,
    /** Of `from`. */
    amount: minorUnits,
    idempotencyKey: z.string().nullable(),
  }),
  response: z.object({ quote: quoteView, isExpired: z.boolean(), replayed: z.boolean() }),
  rejections: ['idempotency_key_reused', ...noRate, 'amount_too_small', 'amount_too_large'],
});

export const getQuote = defineCall({
  name: 'intents.get-quote',
  request: z.strictObject({ tenantId, mode, quoteId: z.string() }),
  response: z.object({ quote: quoteView, isExpired: z.boolean() }),
  rejections: ['quote_not_found'],
});
