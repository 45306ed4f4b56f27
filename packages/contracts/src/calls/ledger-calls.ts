import { z } from 'zod';
import { defineCall } from '../call-contract';
import {
  asset,
  minorUnits,
  mode,
  signedMinorUnits,
  signedTotalUnits,
  tenantId,
  timestamp,
  totalUnits,
} from '../fields';
import { cause, entry, ledgerReference, transferStatusChanged } from '../ledger-events';

export const accountTypes = ['asset', 'liability', 'income', 'expense', 'equity'] as const;

/** Idempotent by `accountId`. A floor of 0 means that the account's balance may not go below zero. */
export const openAccount = defineCall({
  name: 'ledger.open-account',
  request: z.strictObject({
    mode,
    accountId: z.string().min(1).max(200),
    tenantId: tenantId.nullable(),
    asset,
    type: z.enum(accountTypes),
    /** Lowest available balance an authorizing movement may leave, in minor units; null for none. */
    floor: signedMinorUnits.nullable(),
  }),
  response: z.object({ accountId: z.string(), openedAt: timestamp }),
  rejections: ['account_exists_with_different_fields'],
});

/** Puts money of the operator's own issue into an account. Debits the asset's issuance account. */
export const issueFunds = defineCall({
  name: 'ledger.issue-funds',
  request: z.strictObject({
    mode,
    transactionId: z.string().min(1).max(200),
    accountId: z.string(),
    asset,
    amount: minorUnits,
  }),
  response: z.object({ transactionId: z.string(), ledgerReference, postedAt: timestamp }),
  rejections: ['id_reused', 'account_not_found', 'asset_mismatch'],
});

const transferView = transferStatusChanged.data.omit({ at: true, mode: true }).extend({
  note: z.string().nullable(),
  confirmedAt: timestamp.nullable(),
});

/**
 * Durable when answered: the amount is held on the debit account. The ledger then confirms it (posts) or fails it
 * (releases the hold). The id is idempotent for ever: a repeat gives the original answer, refusals included.
 */
export const acceptTransfer = defineCall({
  name: 'ledger.accept-transfer',
  batched: true,
  request: z.strictObject({
    mode,
    tenantId,
    transferId: z.string().min(1).max(200),
    debitAccountId: z.string().max(200),
    creditAccountId: z.string().max(200),
    asset,
    amount: minorUnits.refine((units) => units > 0n, 'must be greater than zero'),
    // Bounded, because what is accepted is published, and a message has a largest size.
    referenceId: z.string().max(200),
    note: z.string().max(2_000).nullable(),
    /**
     * Asks for the answer that the id has already: nothing is recorded, and without one it is `transfer_not_found`. A
     * ledger that does not know the field refuses the request, so it moves nothing either, and `false` is not sent.
     */
    replayOnly: z.literal(true).optional(),
  }),
  response: z.object({ transferId: z.string(), acceptedAt: timestamp, replayed: z.boolean() }),
  rejections: [
    'id_reused',
    'transfer_not_found',
    'debit_account_not_found',
    'credit_account_not_found',
    'accounts_not_distinct',
    'asset_mismatch',
    'debit_account_frozen',
    'credit_account_frozen',
    'insufficient_balance',
  ],
});

/** Visible to the tenant of either account. */
export const getTransfer = defineCall({
  name: 'ledger.get-transfer',
  request: z.strictObject({ mode, tenantId, transferId: z.string() }),
  response: z.object({ transfer: transferView }),
  rejections: ['transfer_not_found'],
});

/** Newest first, both directions, of one account. Each transfer appears once under concurrent inserts. */
export const listTransfers = defineCall({
  name: 'ledger.list-transfers',
  request: z.strictObject({
    mode,
    tenantId,
    accountId: z.string(),
    limit: z.number().int().min(1).max(100),
    cursor: z.string().nullable(),
  }),
  response: z.object({ transfers: z.array(transferView), nextCursor: z.string().nullable() }),
  rejections: ['account_not_found', 'cursor_invalid'],
});

/**
 * A transfer is reversed once. `reversalId` is idempotent for ever, whoever repeats it: a repeat for the same transfer
 * gives the original answer, refusals included. Whoever wants a refused reversal decided anew takes another id.
 */
export const reverseTransfer = defineCall({
  name: 'ledger.reverse-transfer',
  request: z.strictObject({
    mode,
    reversalId: z.string().min(1).max(200),
    transferId: z.string(),
    actor: z.string().max(200),
    dryRun: z.boolean().default(false),
  }),
  /**
   * `ledgerReference` is null when nothing was recorded. `transactionId` is the reversal's own in the journal, and `at` when
   * it was recorded; ledgers of earlier releases tell neither.
   */
  response: z.object({
    transferId: z.string(),
    transactionId: z.string().optional(),
    at: timestamp.optional(),
    ledgerReference: ledgerReference.nullable(),
    replayed: z.boolean(),
  }),
  rejections: [
    'id_reused',
    'transfer_not_found',
    'transfer_not_confirmed',
    'transfer_already_reversed',
    'insufficient_balance',
  ],
});

export const balanceView = z.object({
  accountId: z.string(),
  asset,
  type: z.enum(accountTypes),
  posted: signedTotalUnits,
  /** Held for transfers that are being confirmed. `available = posted - held`. */
  held: totalUnits,
  available: signedTotalUnits,
  /** Credits of transfers that are being confirmed; not part of `posted`. */
  incoming: totalUnits,
  frozen: z.boolean(),
  updatedAt: timestamp,
});

/** Strong read from the engine. `tenantId` null reads any account, for operations. */
export const getBalance = defineCall({
  name: 'ledger.get-balance',
  request: z.strictObject({ mode, tenantId: tenantId.nullable(), accountId: z.string() }),
  response: balanceView,
  rejections: ['account_not_found'],
});

/**
 * Without `changeId`, which ledgers of earlier releases do not know, it sees to the state. With one it is a decision, which
 * is recorded and answered once: `replayed` tells a repeat.
 */
export const setAccountFrozen = defineCall({
  name: 'ledger.set-account-frozen',
  request: z.strictObject({
    mode,
    changeId: z.string().min(1).max(200).exactOptional(),
    accountId: z.string(),
    frozen: z.boolean(),
    actor: z.string().max(200),
    dryRun: z.boolean().default(false),
  }),
  response: z.object({ replayed: z.boolean().optional() }),
  rejections: ['id_reused', 'account_not_found'],
});

/** Journal transactions of a subject (an intent, a transfer), or all, oldest first. */
export const listTransactions = defineCall({
  name: 'ledger.list-transactions',
  request: z.strictObject({
    mode,
    tenantId: tenantId.nullable(),
    subject: z.string().nullable(),
    limit: z.number().int().min(1).max(100),
    cursor: z.string().nullable(),
  }),
  response: z.object({
    transactions: z.array(
      z.object({
        transactionId: z.string(),
        cause,
        rule: z.string(),
        entries: z.array(entry),
        ledgerReference,
        sequence: z.number().int().nonnegative(),
        postedAt: timestamp,
      }),
    ),
    nextCursor: z.string().nullable(),
  }),
  rejections: ['cursor_invalid'],
});
