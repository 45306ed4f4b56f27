import { assetCodes } from '@daybook/money';
import { z } from 'zod';

/** Minor units travel as decimal strings: JSON numbers lose precision past 2^53. */
export const minorUnits = z.codec(z.string().regex(/^(0|[1-9]\d{0,37})$/), z.bigint(), {
  decode: (digits) => BigInt(digits),
  encode: (units) => units.toString(),
});

/** Minor units of a limit, which may be below zero. */
export const signedMinorUnits = z.codec(z.string().regex(/^(0|-?[1-9]\d{0,37})$/), z.bigint(), {
  decode: (digits) => BigInt(digits),
  encode: (units) => units.toString(),
});

/** Minor units of many amounts together: a balance or a total may have more digits than an amount. */
export const totalUnits = z.codec(z.string().regex(/^(0|[1-9]\d{0,59})$/), z.bigint(), {
  decode: (digits) => BigInt(digits),
  encode: (units) => units.toString(),
});

/** Such a sum, where it may be below zero. */
export const signedTotalUnits = z.codec(z.string().regex(/^(0|-?[1-9]\d{0,59})$/), z.bigint(), {
  decode: (digits) => BigInt(digits),
  encode: (units) => units.toString(),
});

export const asset = z.enum(assetCodes);

/** Sandbox and live are different tenants of everything: books, addresses, webhooks. */
export const mode = z.enum(['sandbox', 'live']);
export type Mode = z.infer<typeof mode>;

/** UTC, ISO 8601 with milliseconds, so that text order is time order. */
export const timestamp = z.iso.datetime({ precision: 3 });

export const tenantId = z.uuid();

/** A caller's own name for something. Short enough for an index, and without what a table cannot hold. */
export const label = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\0\p{Surrogate}]*$/u, 'must be valid Unicode without null characters');
