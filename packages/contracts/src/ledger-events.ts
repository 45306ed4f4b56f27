import { z } from 'zod';
import { defineEvent } from './event-contract';
import { asset, minorUnits, mode, tenantId, timestamp } from './fields';

export const entry = z.object({
  accountId: z.string(),
  asset,
  direction: z.enum(['debit', 'credit']),
  amount: minorUnits,
});

/** What a transaction was posted for. `id` is the transaction id of the business fact; `subject` groups them. */
export const cause = z.object({
  type: z.enum([
    'intent_payment',
    'intent_receipt',
    'intent_underpaid',
    'receipt_move',
    'settlement',
    'provider_payment',
    'provider_payment_return',
    'provider_payment_reinstatement',
    'institution_transfer',
    'institution_transfer_return',
    'chain_send',
    'wallet_funding',
    'wallet_sweep',
    'transfer',
    'transfer_reversal',
    'issuance',
    'posting',
    'hold_capture',
    'reversal',
  ]),
  id: z.string(),
  /** The resource that a reader would search by, such as the intent's id. */
  subject: z.string(),
});

/** Hex SHA-256 of the journal event's exact bytes, with 0x in front. */
export const ledgerReference = z.string().regex(/^0x[0-9a-f]{64}$/);

export const transactionPosted = defineEvent({
  type: 'TransactionPosted',
  version: 1,
  topic: 'ledger.transactions',
  summary: 'A balanced set of entries is in the journal.',
  key: (data) => data.cause.subject,
  data: z.object({
    transactionId: z.string(),
    mode,
    tenantId: tenantId.nullable(),
    cause,
    /** Posting rule and its version, such as `intent-payment@1`. */
    rule: z.string(),
    entries: z.array(entry),
    ledgerReference,
    /** Position in the book's journal, from 0, without gaps. */
    sequence: z.number().int().nonnegative(),
    postedAt: timestamp,
  }),
});

export const transferStatuses = ['processing', 'confirmed', 'failed', 'reversed'] as const;

export const transferStatusChanged = defineEvent({
  type: 'TransferStatusChanged',
  version: 1,
  topic: 'ledger.transfers',
  summary: 'A transfer was accepted, confirmed, failed or reversed. Carries the full state.',
  key: (data) => data.transferId,
  data: z.object({
    transferId: z.string(),
    mode,
    debitTenantId: tenantId,
    debitAccountId: z.string(),
    creditTenantId: tenantId,
    creditAccountId: z.string(),
    asset,
    amount: minorUnits,
    referenceId: z.string(),
    status: z.enum(transferStatuses),
    /** Why it failed, for `failed`. */
    failure: z.string().nullable(),
    /** Of the journal event that posted it; null until `confirmed`. */
    ledgerReference: ledgerReference.nullable(),
    acceptedAt: timestamp,
    at: timestamp,
  }),
});
