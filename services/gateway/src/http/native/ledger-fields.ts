/** Parts that the routes of the ledger have in common. */
import { describeIssue, FailureError } from '@daybook/http';
import { assets, formatAmount, parseAmount, type AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import { idempotencyKey, text, timestampField } from '../fields';
import { invalidField } from '../responses';
import { isOperator } from './own-accounts';

export const decimal = z.string().regex(/^-?\d+(\.\d+)?$/);

export const decimalOf = (units: bigint, code: AssetCode) => formatAmount(units, assets[code].scale);

/** Of a list that an operator may want of one tenant alone. */
export const ofTenant = {
  tenant_id: z
    .uuid()
    .toLowerCase()
    .optional()
    .meta({ description: 'For operators: what this tenant reads. Others read their own.' }),
};
export const tenantInvalid = invalidField('tenant_id', 'is for operators: you read your own');

type OfTenant = { readonly tenant_id?: string | undefined };

/** Operations read every tenant's books, in the credential's mode, or those of one; everybody else their own. */
export function readerOf(caller: Credential, { tenant_id: asked }: OfTenant = {}) {
  const { mode, tenantId } = caller;
  if (isOperator(caller)) return { mode, tenantId: asked ?? null };
  if (asked !== undefined && asked !== tenantId) throw new FailureError(tenantInvalid);
  return { mode, tenantId };
}

/** Whose accounts a command may touch, and who is told to have given it. */
export function writerOf(caller: Credential) {
  return { ...readerOf(caller), actor: caller.credentialId };
}

export const wholeNumber = z
  .string()
  .regex(/^(0|[1-9]\d{0,14})$/, 'must be a whole number')
  .transform((digits) => parseInt(digits, 10));

export const watermark = z
  .strictObject({ sequence: z.number().int().nullable(), at: timestampField.nullable() })
  .meta({ description: 'The last event of the journal that the answer has seen; null before the first one.' });
export const watermarkExample = { sequence: 17, at: '2026-02-11T10:06:10.000Z' };

/** An instant with an offset, as UTC with milliseconds. */
export const instant = z.iso
  .datetime({ offset: true, error: 'must be an instant such as 2026-02-01T00:00:00Z' })
  .transform((given) => new Date(given).toISOString())
  // In UTC it may be in the year 0, which the tables do not know, or in the year 10000.
  .refine((utc) => utc >= '0001', 'must be in a year from 1 to 9999')
  .meta({ override: { type: 'string', format: 'date-time' } });

export const twoClocks = {
  as_of: instant.optional().meta({
    description: 'By the effective clock: what had happened by then.',
    override: { type: 'string', format: 'date-time' },
  }),
  known_at: instant.optional().meta({
    description: 'By the recording clock: what the ledger knew by then.',
    override: { type: 'string', format: 'date-time' },
  }),
};

const since = (clock: string) =>
  instant
    .optional()
    .meta({ description: `${clock} then or later.`, override: { type: 'string', format: 'date-time' } });
const before = (clock: string) =>
  instant.optional().meta({ description: `${clock} before then.`, override: { type: 'string', format: 'date-time' } });

export const ranges = {
  effective_from: since('Effective'),
  effective_to: before('Effective'),
  posted_from: since('Recorded'),
  posted_to: before('Recorded'),
};

type Ranges = { readonly [Name in keyof typeof ranges]?: string | undefined };

export function rangesOf(query: Ranges) {
  return {
    effectiveFrom: query.effective_from ?? null,
    effectiveTo: query.effective_to ?? null,
    recordedFrom: query.posted_from ?? null,
    recordedTo: query.posted_to ?? null,
  };
}

const keysMax = 20;
const metadataKey = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,40}$/, 'is not a name of 1 to 40 letters, digits, dots, dashes');

/** What callers find their things again by. */
export const metadata = z
  .record(metadataKey, text(500))
  .refine((given) => Object.keys(given).length <= keysMax, `must have at most ${keysMax} names`)
  .meta({ description: `At most ${keysMax} names with text. No personal data: it cannot be deleted.` });
export const metadataShown = z.record(z.string(), z.string());

/**
 * `?metadata=order:17&metadata=region:eu`: everything that is asked for has to be there. One name with two values could
 * not be, so a name that comes twice is a mistake.
 */
export const metadataFilter = z
  .union([z.string(), z.array(z.string()).max(keysMax)])
  .default([])
  .transform((given, context) => {
    const pairs = (typeof given === 'string' ? [given] : given).map((pair) => /^([^:]+):(.+)$/su.exec(pair));
    const asked = Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
    const parsed = metadata.safeParse(asked, { error: describeIssue });
    if (parsed.success && Object.keys(parsed.data).length === pairs.length) return parsed.data;
    const message = parsed.success ? 'must have each name once' : 'must be name:value, such as order:17';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .meta({
    description: '`name:value`, and again for each further name, each once. All of them have to be there.',
    override: { type: 'array', items: { type: 'string' } },
  });

export const dryRun = z.boolean().default(false).meta({
  description: 'Only asks: the same verdict, and nothing is recorded.',
});
export const dryRunShown = z.boolean().meta({ description: 'Nothing was recorded.' });

export const keyHeader = z.object({ 'Idempotency-Key': idempotencyKey });
export const keyInvalid = invalidField('Idempotency-Key', 'must be 1 to 200 printable ASCII characters without spaces');

/** Minor units of an account's limit, which may be zero or below. Throws the failure that names the field. */
export function limitOf(token: string, code: AssetCode, field: string): bigint {
  const { scale } = assets[code];
  const below = token.startsWith('-');
  const digits = below ? token.slice(1) : token;
  if (/^0(\.0{1,18})?$/.test(digits)) return 0n;
  const parsed = parseAmount(digits, scale);
  if (!parsed.ok)
    throw new FailureError(invalidField(field, `must be a plain decimal with at most ${scale} decimal places`));
  return below ? -parsed.units : parsed.units;
}

/** Of the IANA database. */
export const timeZone = z
  .string()
  .max(64)
  .refine((name) => isTimeZone(name), 'must be an IANA time zone such as Europe/Berlin')
  .default('UTC')
  .meta({ description: 'IANA name; days begin at its midnight.', override: { type: 'string', default: 'UTC' } });

function isTimeZone(name: string): boolean {
  // Offsets such as +02:00 are no time zones: they have no daylight saving.
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
