/** What is recorded in a book. Everything that a reader needs stands in the event itself. */
import type { AssetCode } from '@daybook/money';
import type { AccountFields, Entry, Metadata } from './account';

/** A transfer's fields, the same in each of its events. */
export type TransferFields = {
  readonly transferId: string;
  readonly debitTenantId: string;
  readonly debitAccountId: string;
  readonly creditTenantId: string;
  readonly creditAccountId: string;
  readonly asset: AssetCode;
  readonly amount: bigint;
  readonly referenceId: string;
  readonly acceptedAt: string;
};

export const transferFailures = ['sender_frozen', 'recipient_frozen'] as const;
export type TransferFailure = (typeof transferFailures)[number];

export const causeTypes = [
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
] as const;
/** What a transaction was posted for. `subject` groups the transactions that a reader would look at together. */
export type Cause = { readonly type: (typeof causeTypes)[number]; readonly id: string; readonly subject: string };

/** Id and content are null for what nobody named. One that has a name may find the account so already. */
type Freezing = {
  readonly changeId: string | null;
  readonly contentHash: string | null;
  readonly accountId: string;
  readonly actor: string;
  readonly at: string;
};

export type BookEvent =
  /** `rule` is the posting rule that needed the account; null when a command opened it. */
  | ({
      readonly type: 'AccountOpened';
      readonly rule: string | null;
      /** Null when a rule or another service needed it. */
      readonly actor: string | null;
      readonly at: string;
    } & AccountFields)
  | {
      readonly type: 'AccountLimitsSet';
      readonly changeId: string;
      readonly contentHash: string;
      readonly accountId: string;
      readonly floor: bigint | null;
      readonly ceiling: bigint | null;
      readonly actor: string;
      readonly at: string;
    }
  | ({ readonly type: 'AccountFrozen' } & Freezing)
  | ({ readonly type: 'AccountUnfrozen' } & Freezing)
  /** The amount is held on the debit account. `note` is encrypted. */
  | {
      readonly type: 'TransferAccepted';
      readonly transfer: TransferFields;
      readonly contentHash: string;
      readonly note: string | null;
      readonly at: string;
    }
  /** The hold became entries. */
  | {
      readonly type: 'TransferConfirmed';
      readonly transfer: TransferFields;
      readonly rule: string;
      readonly entries: readonly Entry[];
      readonly at: string;
    }
  /** The hold was released and nothing moved. */
  | {
      readonly type: 'TransferFailed';
      readonly transfer: TransferFields;
      readonly reason: TransferFailure;
      readonly at: string;
    }
  /**
   * Moved back. `reversed` is the ledger reference of the confirmation. `reversalId` is what the caller named it, and
   * `contentHash` what it asked; both are null when it was recorded before callers named their reversals.
   */
  | {
      readonly type: 'TransferReversed';
      readonly reversalId: string | null;
      readonly contentHash: string | null;
      readonly transfer: TransferFields;
      readonly transactionId: string;
      readonly reversed: string;
      readonly rule: string;
      readonly actor: string;
      readonly entries: readonly Entry[];
      readonly at: string;
    }
  /**
   * A fact, an issue of funds, or what a caller posted. `effectiveAt` is when it happened, `at` when it was recorded.
   * When it happened in a period that was closed by then, `adjustmentFor` is that time, and `effectiveAt` the first
   * instant that was still open. `actor` is null when nobody asked for it: a fact, or the issue of funds.
   */
  | {
      readonly type: 'TransactionPosted';
      readonly transactionId: string;
      readonly contentHash: string;
      readonly tenantId: string | null;
      readonly cause: Cause;
      readonly rule: string;
      readonly entries: readonly Entry[];
      /** Accounts that this takes below their floor: exceptions for a person to resolve. */
      readonly floorBreaches: readonly string[];
      /** Accounts that this takes above their ceiling. */
      readonly ceilingBreaches: readonly string[];
      readonly description: string | null;
      readonly metadata: Metadata | null;
      readonly actor: string | null;
      readonly adjustmentFor: string | null;
      readonly effectiveAt: string;
      readonly at: string;
    }
  /**
   * Moved back, all or a part. `transactionId` is of what was reversed and `reversed` its ledger reference; the entries'
   * own transaction is `reversalId`. Amounts are those of the first entry: `remaining` can still be reversed.
   */
  | {
      readonly type: 'TransactionReversed';
      readonly reversalId: string;
      readonly contentHash: string;
      readonly transactionId: string;
      readonly reversed: string;
      /** Of the one who posted what was reversed. */
      readonly tenantId: string | null;
      readonly amount: bigint;
      readonly remaining: bigint;
      readonly rule: string;
      readonly entries: readonly Entry[];
      readonly actor: string;
      readonly at: string;
    }
  /** `tenantId` is of the one who placed it, null for an operator; the amount is held on the account. */
  | {
      readonly type: 'HoldPlaced';
      readonly holdId: string;
      readonly contentHash: string;
      readonly tenantId: string | null;
      readonly accountId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
      /** From this time on it cannot be captured; null for never. */
      readonly expiresAt: string | null;
      readonly metadata: Metadata | null;
      readonly actor: string;
      readonly at: string;
    }
  /** `amount` became entries, `released` is held no more without moving, `remaining` is still held. */
  | {
      readonly type: 'HoldCaptured';
      readonly captureId: string;
      readonly contentHash: string;
      readonly holdId: string;
      /** Of the one who captured it, null for an operator. */
      readonly tenantId: string | null;
      readonly accountId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
      readonly released: bigint;
      readonly remaining: bigint;
      readonly rule: string;
      readonly entries: readonly Entry[];
      readonly actor: string;
      readonly at: string;
    }
  | {
      readonly type: 'HoldReleased';
      readonly releaseId: string;
      readonly contentHash: string;
      readonly holdId: string;
      readonly tenantId: string | null;
      readonly accountId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
      readonly actor: string;
      readonly at: string;
    }
  | {
      readonly type: 'HoldExpired';
      readonly holdId: string;
      readonly tenantId: string | null;
      readonly accountId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
      readonly expiresAt: string;
      readonly at: string;
    }
  /** Nothing is effective before `openFrom` any more: the instant after `through`. */
  | {
      readonly type: 'PeriodClosed';
      readonly closeId: string;
      readonly contentHash: string;
      readonly through: string;
      readonly openFrom: string;
      readonly actor: string;
      readonly at: string;
    }
  /** A signed Merkle root of the book's first `size` events. */
  | {
      readonly type: 'CheckpointSigned';
      readonly checkpointId: string;
      readonly contentHash: string;
      readonly size: number;
      readonly root: string;
      readonly keyId: string;
      /** The exact text that is signed (`@daybook/proof`); size, root and key id are read from it. */
      readonly checkpoint: string;
      readonly signature: string;
      readonly at: string;
    }
  /**
   * A rule said no: who asked what, and why not. With a content hash it is the answer to that id for ever; without
   * one the command has no id of its own and asking again is decided again.
   */
  | {
      readonly type: 'CommandRejected';
      readonly commandId: string;
      readonly commandType: string;
      readonly contentHash: string | null;
      readonly rejection: BookRejection;
      /** The account that is the reason, where one is. */
      readonly about: string | null;
      readonly tenantId: string | null;
      readonly actor: string | null;
      readonly request: Readonly<Record<string, string>>;
      readonly at: string;
    };

/** In descending precedence: when several apply to a command, the first listed is returned. */
export const bookRejections = [
  'id_reused',
  'id_reserved',
  'recording_not_allowed',
  'entries_invalid',
  'effective_in_future',
  'period_closed',
  'period_not_over',
  'checkpoint_out_of_order',
  'account_exists_with_different_fields',
  'hold_not_found',
  'hold_closed',
  'hold_expired',
  'hold_not_expired',
  'transaction_not_found',
  'transaction_not_reversible',
  'transaction_already_reversed',
  'reversal_only_in_full',
  'amount_exceeds_remaining',
  'account_not_found',
  'debit_account_not_found',
  'credit_account_not_found',
  'accounts_not_distinct',
  'asset_mismatch',
  'entries_unbalanced',
  'expiry_in_past',
  'limits_fixed',
  'limits_crossed',
  'account_frozen',
  'debit_account_frozen',
  'credit_account_frozen',
  'transfer_not_found',
  'transfer_not_confirmed',
  'transfer_already_reversed',
  'insufficient_balance',
  'ceiling_exceeded',
] as const;
export type BookRejection = (typeof bookRejections)[number];
