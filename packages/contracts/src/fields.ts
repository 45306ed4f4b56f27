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
/** Read models keep no instants before the year 1. */
export const instant = timestamp.refine((time) => time >= '0001', 'must be in a year from 1 on');

/** In the one spelling that Postgres answers in: in another it would be another tenant wherever texts are compared. */
export const tenantId = z.uuid().toLowerCase();

/** Text without what a table cannot hold. */
export const storableText = (lengthMax: number) =>
  z
    .string()
    .max(lengthMax)
    .regex(/^[^\0\p{Surrogate}]*$/u, 'must be valid Unicode without null characters');

/** A caller's own name for something. Short enough for an index. */
export const label = storableText(200).min(1);

const metadataKeysMax = 20;

/** Whatever a caller wants to find again, under keys of its own. */
export const callersMetadata = z
  .record(storableText(40).min(1), storableText(500))
  .refine((fields) => Object.keys(fields).length <= metadataKeysMax, `at most ${metadataKeysMax} keys`);

/** Of the rows of a page: their list and its order are known already. */
export const pageOfTransactions = z.array(storableText(40)).min(1).max(100);

/** Where a transaction stands in a list: neither time nor number ever changes. */
export const transactionKey = z.object({
  transactionId: z.string(),
  number: z.number().int().positive(),
  createdAt: timestamp,
});
