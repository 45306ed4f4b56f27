import { jsonInteger } from '@daybook/http';
import { z } from 'zod';

/** As `partner` writes it: a JSON number. */
export const gatewayNumber = jsonInteger
  .refine((number) => number >= 1 && number <= 999_999_999, 'must be a whole number from 1')
  .meta({ override: { type: 'integer', minimum: 1 } });

/** Anything else names no transaction, and is answered as not found. */
export const transactionId = z.string().regex(/^TX[0-9A-HJKMNP-TV-Z]{20}$/);
