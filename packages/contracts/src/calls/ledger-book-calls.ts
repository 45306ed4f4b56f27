/**
 * What moves money by callers' own accounts: postings, holds, reversals, limits, periods. Every id that a request brings
 * is idempotent for ever: a repeat gives the original answer with `replayed`, refusals included, and other content under
 * it is `id_reused`. A tenant's ids are its own: another's are never in their way. With `dryRun` the answer is what the
 * request would get now, and nothing is recorded.
 *
 * `tenantId` is of the tenant that asks. It reaches its own books only, the accounts `acct:<tenantId>:<name>`. Null is for
 * operators, who reach all. In the journal, and so in every list, ids stand with their owner: `<tenantId>/<id>` for what a
 * tenant named, `ops/<id>` for an operator's.
 */
import { z } from 'zod';
import { defineCall } from '../call-contract';
import {
  asset,
  callersMetadata,
  instant,
  label,
  minorUnits,
  mode,
  signedMinorUnits,
  storableText,
  tenantId,
  timestamp,
} from '../fields';
import { entry, ledgerReference } from '../ledger-events';
import { watermark } from './ledger-audit-calls';
import { accountTypes, balanceView } from './ledger-calls';

/** Whatever a caller wants to find again. No personal data: it is stored as it is, for ever. */
const bookMetadata = callersMetadata;

/** Of something that is there. A tenant names its own as it did when it made it; operators by the id in the journal. */
const reference = storableText(300).min(1);
const positive = minorUnits.refine((units) => units > 0n, 'must be greater than zero');
const actor = label;
const asker = { mode, tenantId: tenantId.nullable() };
const asked = { ...asker, actor, dryRun: z.boolean() };

/** What was recorded, when, and under which reference; both are of the original when it is a repeat. */
const receipt = z.object({ at: timestamp, ledgerReference: ledgerReference.nullable(), replayed: z.boolean() });

export const openBookAccount = defineCall({
  name: 'ledger.open-book-account',
  request: z.strictObject({
    ...asked,
    /** A tenant's begins with `acct:<tenantId>:`. */
    accountId: label,
    /** Whose it is; the tenant's own when a tenant asks. */
    ownerId: tenantId.nullable(),
    asset,
    type: z.enum(accountTypes),
    floor: signedMinorUnits.nullable(),
    ceiling: signedMinorUnits.nullable(),
    metadata: bookMetadata.nullable(),
  }),
  response: z.object({ accountId: z.string(), openedAt: timestamp, replayed: z.boolean() }),
  rejections: ['account_exists_with_different_fields', 'limits_fixed', 'limits_crossed'],
});

/** Limits hold for what comes. Wallets have no ceiling, and the accounts of the chart have theirs fixed. */
export const setAccountLimits = defineCall({
  name: 'ledger.set-account-limits',
  request: z.strictObject({
    ...asked,
    changeId: label,
    accountId: label,
    floor: signedMinorUnits.nullable(),
    ceiling: signedMinorUnits.nullable(),
  }),
  response: receipt.extend({ accountId: z.string() }),
  rejections: ['id_reused', 'id_reserved', 'account_not_found', 'limits_fixed', 'limits_crossed'],
});

const operations = {
  post: z.strictObject({
    type: z.literal('post'),
    transactionId: label,
    /** `recording`, for operators: not refused for what it does to balances; limits that it breaks are recorded. */
    mode: z.enum(['authorizing', 'recording']),
    /** Balanced per asset. */
    entries: z
      .array(z.object({ accountId: label, asset, direction: z.enum(['debit', 'credit']), amount: positive }))
      .min(2)
      .max(100),
    /** Not later than now; null for now. */
    effectiveAt: instant.nullable(),
    /** When that is in a closed period: refuse it, or post it as of the first instant that is still open. */
    closedPeriod: z.enum(['refuse', 'adjust']),
    description: storableText(500).nullable(),
    metadata: bookMetadata.nullable(),
  }),
  reverse: z.strictObject({
    type: z.literal('reverse'),
    reversalId: label,
    transactionId: reference,
    /** Of the first entry; null for all that is left. A part only of two entries in one asset. */
    amount: positive.nullable(),
  }),
  hold: z.strictObject({
    type: z.literal('hold'),
    holdId: label,
    accountId: label,
    asset,
    amount: positive,
    /** From then on it cannot be captured, and what is left is released. */
    expiresAt: instant.nullable(),
    metadata: bookMetadata.nullable(),
  }),
  capture: z.strictObject({
    type: z.literal('capture'),
    captureId: label,
    holdId: reference,
    /** Null for all that is left. */
    amount: positive.nullable(),
    creditAccountId: label,
    /** Releases what is left after it. */
    final: z.boolean(),
  }),
  release: z.strictObject({ type: z.literal('release'), releaseId: label, holdId: reference }),
};

/** One thing to do with a book, in a call of its own or among others in a bulk. */
const bookOperation = z.discriminatedUnion('type', [
  operations.post,
  operations.reverse,
  operations.hold,
  operations.capture,
  operations.release,
]);
export type BookOperation = z.output<typeof bookOperation>;

/** In order of precedence: of several reasons the first is told. */
export const bookOperationRejections = [
  'id_reused',
  'id_reserved',
  'recording_not_allowed',
  'entries_invalid',
  'effective_in_future',
  'period_closed',
  'hold_not_found',
  'hold_closed',
  'hold_expired',
  'transaction_not_found',
  'transaction_not_reversible',
  'transaction_already_reversed',
  'reversal_only_in_full',
  'amount_exceeds_remaining',
  'account_not_found',
  'accounts_not_distinct',
  'asset_mismatch',
  'entries_unbalanced',
  'expiry_in_past',
  'account_frozen',
  'insufficient_balance',
  'ceiling_exceeded',
] as const;

/** Posts, reverses, holds, captures or releases. The reference is null in a dry run. A refusal may be about an account. */
export const operateBook = defineCall({
  name: 'ledger.operate-book',
  plain: true,
  batched: true,
  request: z.strictObject({ ...asked, operation: bookOperation }),
  response: receipt,
  rejections: bookOperationRejections,
});

/** Operations of one bulk at most. */
export const bulkOperationsMax = 10_000;

const refusal = {
  rejection: z.enum(bookOperationRejections),
  replayed: z.boolean(),
  /** The account that is the reason, where one is. */
  about: z.string().nullish(),
};

/**
 * In their order. Independent ones each have their own outcome. Atomic ones are recorded together or not at all: `failed`
 * names the first that was refused, whose refusal alone is recorded, so that a new attempt needs a new id for it.
 */
export const operateBookInBulk = defineCall({
  name: 'ledger.operate-book-in-bulk',
  plain: true,
  bodyMax: 16_000_000,
  request: z.strictObject({
    ...asked,
    atomic: z.boolean(),
    operations: z.array(bookOperation).min(1).max(bulkOperationsMax),
  }),
  response: z.object({
    /** One for each operation; none when an atomic bulk failed. */
    outcomes: z.array(
      z.union([receipt.extend({ ok: z.literal(true) }), z.object({ ok: z.literal(false), ...refusal })]),
    ),
    failed: z.object({ index: z.number().int().nonnegative(), ...refusal }).nullable(),
  }),
});

/** Nothing becomes effective up to and including `through` any more. For operators. */
export const closePeriod = defineCall({
  name: 'ledger.close-period',
  request: z.strictObject({ mode, actor, dryRun: z.boolean(), closeId: label, through: instant }),
  response: receipt,
  rejections: ['id_reused', 'period_closed', 'period_not_over'],
});

/** A strong read. `openFrom` is the first instant that postings may be effective at; null while no period was closed. */
export const getOpenPeriod = defineCall({
  name: 'ledger.get-open-period',
  request: z.strictObject({ mode }),
  response: z.object({ openFrom: timestamp.nullable(), watermark }),
  rejections: [],
});

const bookAccountView = balanceView.extend({
  ownerId: tenantId.nullable(),
  floor: signedMinorUnits.nullable(),
  ceiling: signedMinorUnits.nullable(),
  metadata: bookMetadata.nullable(),
  /** Entries so far. */
  version: z.number().int().nonnegative(),
  openedAt: timestamp,
});

/** Strong reads: what they show includes every command answered before. */
export const getBookAccount = defineCall({
  name: 'ledger.get-book-account',
  request: z.strictObject({ ...asker, accountId: label }),
  response: bookAccountView.extend({ watermark }),
  rejections: ['account_not_found'],
});

/** Accounts of a tenant, or of all, with their balances, by account id; those in an asset, and with all of `metadata`. */
export const listAccounts = defineCall({
  name: 'ledger.list-accounts',
  request: z.strictObject({
    ...asker,
    asset: asset.nullish(),
    metadata: bookMetadata.optional(),
    limit: z.number().int().min(1).max(100),
    cursor: z.string().nullable(),
  }),
  response: z.object({ accounts: z.array(bookAccountView), nextCursor: z.string().nullable(), watermark }),
  rejections: ['cursor_invalid'],
});

/**
 * A tenant finds its own hold first, then one that stands under the id as it is, if it is on an account of the tenant's.
 * `actor` and `metadata` are shown to the side that placed the hold, and to operators.
 */
export const getHold = defineCall({
  name: 'ledger.get-hold',
  request: z.strictObject({ ...asker, holdId: reference }),
  response: z.object({
    holdId: z.string(),
    accountId: z.string(),
    asset,
    amount: minorUnits,
    /** Still held. */
    remaining: minorUnits,
    captured: minorUnits,
    status: z.enum(['open', 'captured', 'released', 'expired']),
    expiresAt: timestamp.nullable(),
    /** Who may capture and release it besides operators: the tenant that placed it; null for an operator. */
    placedBy: tenantId.nullable(),
    actor: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    placedAt: timestamp,
    ledgerReference,
    watermark,
  }),
  rejections: ['hold_not_found'],
});

export const getBookTransaction = defineCall({
  name: 'ledger.get-book-transaction',
  request: z.strictObject({ ...asker, transactionId: reference }),
  response: z.object({
    transactionId: z.string(),
    entries: z.array(entry),
    /** Of the first entry. */
    reversed: minorUnits,
    effectiveAt: timestamp,
    postedAt: timestamp,
    ledgerReference,
    watermark,
  }),
  rejections: ['transaction_not_found', 'transaction_not_reversible'],
});
