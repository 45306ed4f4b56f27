import { secretOverlapHoursMax } from '@daybook/contracts';
import { FailureError, decimalToken, jsonInteger, jsonNumber } from '@daybook/http';
import { assets, describeAmountProblem, formatAmount, parseAmount, type AssetCode } from '@daybook/money';
import { z } from 'zod';

const textOrEmpty = (lengthMax: number) =>
  z
    .string()
    .max(lengthMax)
    .regex(/^\P{Cc}*$/u, 'must not contain control characters');

/** Text that people read: no control characters, which end up in logs, files and headers. */
export const text = (lengthMax: number) => textOrEmpty(lengthMax).min(1);

/** Text that may be left out. Forms send what was not filled in as empty, so that is none too, also in a repeat. */
export const optionalText = (lengthMax: number) =>
  textOrEmpty(lengthMax)
    .nullish()
    .transform((given) => (given === '' ? null : (given ?? null)))
    .meta({ description: 'What is empty is none.' });

/** An amount as it was sent, number or string. `amountOf` reads it once the asset is known. */
export const amountToken = decimalToken.meta({
  description: 'Plain decimal, as a JSON number or a string. More decimals than the asset has are refused.',
  override: {
    anyOf: [
      { type: 'number', exclusiveMinimum: 0 },
      { type: 'string', pattern: '^(0|[1-9][0-9]{0,17})(\\.[0-9]{1,18})?$' },
    ],
  },
});

/** Minor units. Throws the failure that names the field. */
export function amountOf(token: string, asset: AssetCode, field = 'amount'): bigint {
  const { scale } = assets[asset];
  const parsed = parseAmount(token, scale);
  if (parsed.ok) return parsed.units;
  const message = `${field}: ${describeAmountProblem(parsed.problem, scale)}`;
  throw new FailureError({ status: 400, code: 'INVALID_REQUEST', message, field });
}

/** A JSON number in the asset's canonical form, such as 150.00. */
export function amountNumber(units: bigint, asset: AssetCode) {
  return jsonNumber(formatAmount(units, assets[asset].scale));
}

export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters without spaces')
  .meta({ description: 'A repeat with the same key and content gets the original answer and moves nothing.' });

/** Of requests that may go without. */
export const optionalKeyHeader = z.object({ 'Idempotency-Key': idempotencyKey.optional() });

/** For how long an earlier secret counts beside the one that replaces it: a day, unless something else is asked for. */
export const overlapHours = (description: string) =>
  jsonInteger
    .refine(
      (hours) => hours >= 0 && hours <= secretOverlapHoursMax,
      `must be a whole number from 0 to ${secretOverlapHoursMax}`,
    )
    .meta({ description, override: { type: 'integer', minimum: 0, maximum: secretOverlapHoursMax } })
    .default(24);

export const cursor = z
  .string()
  .regex(/^[\w-]{1,1000}$/, 'is not a next_cursor of this list')
  .meta({ description: '`next_cursor` of the page before, asked for with the same filters.' });

export const limit = z
  .string()
  .regex(/^([1-9]|[1-9]\d|100)$/, 'must be a whole number from 1 to 100')
  .default('20')
  .transform((digits) => parseInt(digits, 10))
  .meta({ description: 'Entries on the page.', override: { type: 'integer', minimum: 1, maximum: 100, default: 20 } });

/** Whole days: the tables know no year 0, and a last day of the last year has no day after it. */
export const calendarDay = z.iso
  .date('must be a date such as 2023-09-01')
  .refine((date) => date >= '0001' && date < '9999', 'must be a day of the years 1 to 9998');

/** An id that a path can name. Anything else names nothing, and is answered as not found. */
export const pathId = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable ASCII characters');
/** Spelled as it is kept, in lower case. */
export const pathUuid = z.uuid().toLowerCase();

export const timestampField = z.iso.datetime();
export const walletId = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,100}$/, 'must be 1 to 100 letters, digits, dots, dashes or underscores');
