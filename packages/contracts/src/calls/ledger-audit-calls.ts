/**
 * What operations and auditors ask of the ledger's read models. Time has two clocks: the *effective* one says when
 * something happened, the *recorded* one when the ledger learned of it, never before. `asOf` is a moment of the first,
 * `knownAt` of the second; both include their moment, and null means without limit. Ranges include their start and not
 * their end. `tenantId` null asks for everyone, for operations. Every answer names the last event that it has seen.
 */
import { z } from 'zod';
import { defineCall } from '../call-contract';
import { asset, minorUnits, mode, signedTotalUnits, tenantId, timestamp, totalUnits } from '../fields';
import { entry, ledgerReference } from '../ledger-events';
import { accountTypes } from './ledger-calls';

/** The last event of the book that the answer has seen, and when it was recorded; null before the first event. */
export const watermark = z.object({
  sequence: z.number().int().nonnegative().nullable(),
  at: timestamp.nullable(),
});

const asker = { mode, tenantId: tenantId.nullable() };
/** What a table could hold: it is searched there. */
const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\0\p{Surrogate}]*$/u, 'must be valid Unicode without null characters');
const accountId = text(200);
const page = { limit: z.number().int().min(1).max(1_000), cursor: z.string().nullable() };
const nextCursor = z.string().nullable();
const sequence = z.number().int().nonnegative();
const twoClocks = { asOf: timestamp.nullable(), knownAt: timestamp.nullable() };
const ranges = {
  effectiveFrom: timestamp.nullable(),
  effectiveTo: timestamp.nullable(),
  recordedFrom: timestamp.nullable(),
  recordedTo: timestamp.nullable(),
};
/** Names and the values that they must have, all of them. */
const metadata = z.record(text(200), text(2_000));

/** Totals of an account's entries. `posted` is on its normal side: debits raise assets and expenses, credits the rest. */
const accountTotals = z.object({
  posted: signedTotalUnits,
  debits: totalUnits,
  credits: totalUnits,
  entries: z.number().int().nonnegative(),
});

/** The balance of an account by both clocks. */
export const getBalanceAsOf = defineCall({
  name: 'ledger.get-balance-as-of',
  request: z.strictObject({ ...asker, accountId, ...twoClocks }),
  response: accountTotals.extend({ accountId: z.string(), asset, type: z.enum(accountTypes), watermark }),
  rejections: ['account_not_found'],
});

const entryView = z.object({
  sequence,
  entryIndex: z.number().int().nonnegative(),
  transactionId: z.string(),
  accountId: z.string(),
  asset,
  direction: z.enum(['debit', 'credit']),
  amount: minorUnits,
  /** Of the account after this entry, in the order of recording. */
  balance: signedTotalUnits,
  /** Number of entries of the account up to this one. */
  accountVersion: sequence,
  effectiveAt: timestamp,
  postedAt: timestamp,
});

/**
 * Entries in the order of recording, oldest first. Pages give each entry once while others are recorded: new ones come
 * behind the last. `metadata` is of the transaction.
 */
export const listEntries = defineCall({
  name: 'ledger.list-entries',
  request: z.strictObject({ ...asker, accountId: accountId.nullable(), ...twoClocks, ...ranges, metadata, ...page }),
  response: z.object({ entries: z.array(entryView), nextCursor, watermark }),
  rejections: ['cursor_invalid'],
});

const transactionView = z.object({
  sequence,
  transactionId: z.string(),
  tenantId: tenantId.nullable(),
  cause: z.object({ type: z.string(), id: z.string(), subject: z.string() }),
  rule: z.string(),
  /** Who asked for it, told to the side that posted it and to operators; ledgers of earlier releases do not tell. */
  actor: z.string().nullable().optional(),
  description: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  /** When it really happened, if that was in a period closed by then; `effectiveAt` is the first instant still open. */
  adjustmentFor: timestamp.nullable(),
  /** The transaction that this one takes back, and those that take this one back. */
  reverses: z.string().nullable(),
  reversedBy: z.array(z.string()),
  entries: z.array(entry),
  /** Accounts that it left below their floor or above their ceiling. */
  limitBreaches: z.array(z.object({ accountId: z.string(), crossed: z.enum(['floor', 'ceiling']) })),
  ledgerReference,
  correlationId: z.string(),
  causationId: z.string(),
  effectiveAt: timestamp,
  postedAt: timestamp,
});

/** Transactions in the order of recording, oldest first, that fit everything asked, each once. */
export const searchTransactions = defineCall({
  name: 'ledger.search-transactions',
  request: z.strictObject({
    ...asker,
    transactionId: text(300).nullable(),
    subject: text(300).nullable(),
    /** Of any of these, instead of one. */
    subjects: z.array(text(300)).min(1).max(3).optional(),
    accountId: accountId.nullable(),
    ...ranges,
    metadata,
    ...page,
    limit: z.number().int().min(1).max(200),
  }),
  response: z.object({ transactions: z.array(transactionView), nextCursor, watermark }),
  rejections: ['cursor_invalid'],
});

const day = z.iso.date();
/** Of the IANA database, such as `Europe/Berlin`, or `UTC`. */
const timeZone = z.string().min(1).max(64);

/**
 * What happened on an account from one day up to, and not including, another, by the effective clock. Days begin at
 * midnight in the time zone, at the first one where clocks show two. The closing balance is the opening balance of the
 * statement that begins where this one ends. All pages show what the first one knew: up to its watermark, or to `knownAt`.
 * At most 4,000 days.
 */
export const getStatement = defineCall({
  name: 'ledger.get-statement',
  request: z.strictObject({
    ...asker,
    accountId,
    from: day,
    to: day,
    timeZone,
    knownAt: timestamp.nullable(),
    ...page,
  }),
  response: z.object({
    accountId: z.string(),
    asset,
    type: z.enum(accountTypes),
    from: timestamp,
    to: timestamp,
    opening: signedTotalUnits,
    debits: totalUnits,
    credits: totalUnits,
    closing: signedTotalUnits,
    entryCount: z.number().int().nonnegative(),
    /** `statementBalance` runs from opening to closing in the order of the effective clock. */
    entries: z.array(entryView.extend({ statementBalance: signedTotalUnits })),
    nextCursor,
    watermark,
  }),
  rejections: ['account_not_found', 'time_zone_unknown', 'period_invalid', 'cursor_invalid'],
});

/** Each day of a period, also one without entries. At most 400 days. */
export const listDailyBalances = defineCall({
  name: 'ledger.list-daily-balances',
  request: z.strictObject({ ...asker, accountId, from: day, to: day, timeZone, knownAt: timestamp.nullable() }),
  response: z.object({
    accountId: z.string(),
    asset,
    type: z.enum(accountTypes),
    days: z.array(
      z.object({
        day,
        opening: signedTotalUnits,
        debits: totalUnits,
        credits: totalUnits,
        closing: signedTotalUnits,
        entryCount: z.number().int().nonnegative(),
      }),
    ),
    watermark,
  }),
  rejections: ['account_not_found', 'time_zone_unknown', 'period_invalid'],
});

/** Totals of each asset and type of account. Of everyone, debits equal credits in each asset. */
export const getTrialBalance = defineCall({
  name: 'ledger.get-trial-balance',
  request: z.strictObject({ ...asker, ...twoClocks }),
  response: z.object({
    lines: z.array(
      z.object({
        asset,
        type: z.enum(accountTypes),
        accounts: z.number().int().nonnegative(),
        debits: totalUnits,
        credits: totalUnits,
        /** Debits less credits. */
        net: signedTotalUnits,
      }),
    ),
    watermark,
  }),
});

/** From an account's balance down: each entry with the event that recorded it and why. Newest first. */
export const getLineage = defineCall({
  name: 'ledger.get-lineage',
  request: z.strictObject({ ...asker, accountId, ...page }),
  response: z.object({
    accountId: z.string(),
    posted: signedTotalUnits,
    hops: z.array(
      z.object({
        entry: entryView,
        transaction: transactionView.omit({ entries: true, reversedBy: true, limitBreaches: true }),
        /** `type` of the journal's event at `sequence`; `ledgerReference` is the hash of its bytes. */
        event: z.object({
          sequence,
          type: z.string(),
          ledgerReference,
          correlationId: z.string(),
          causationId: z.string(),
        }),
      }),
    ),
    nextCursor,
    watermark,
  }),
  rejections: ['account_not_found', 'cursor_invalid'],
});

export const holdStatuses = ['open', 'captured', 'released', 'expired'] as const;

/**
 * Holds and what has become of them, newest first. `actor` and `metadata` are shown to the side that placed the hold, and
 * to operators; nobody else finds it by `metadata`.
 */
export const listHolds = defineCall({
  name: 'ledger.list-holds',
  request: z.strictObject({
    ...asker,
    accountId: accountId.nullable(),
    status: z.enum(holdStatuses).nullable(),
    metadata,
    ...page,
  }),
  response: z.object({
    holds: z.array(
      z.object({
        holdId: z.string(),
        accountId: z.string(),
        asset,
        amount: minorUnits,
        captured: minorUnits,
        remaining: minorUnits,
        status: z.enum(holdStatuses),
        expiresAt: timestamp.nullable(),
        actor: z.string().nullable(),
        metadata: z.record(z.string(), z.string()),
        placedAt: timestamp,
        placedSequence: sequence,
        lastSequence: sequence,
      }),
    ),
    nextCursor,
    watermark,
  }),
  rejections: ['cursor_invalid'],
});

/** Commands that a rule refused, newest first: who asked what, and why not. */
export const listRejections = defineCall({
  name: 'ledger.list-rejections',
  request: z.strictObject({ ...asker, rejection: text(100).nullable(), ...page }),
  response: z.object({
    rejections: z.array(
      z.object({
        sequence,
        commandId: z.string(),
        commandType: z.string(),
        rejection: z.string(),
        tenantId: tenantId.nullable(),
        actor: z.string().nullable(),
        request: z.record(z.string(), z.string()),
        correlationId: z.string(),
        causationId: z.string(),
        at: timestamp,
      }),
    ),
    nextCursor,
    watermark,
  }),
  rejections: ['cursor_invalid'],
});
