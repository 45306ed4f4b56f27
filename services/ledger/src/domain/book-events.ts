/** What is recorded in a book. Everything that a reader needs stands in the event itself. */
import type { AssetCode } from '@daybook/money';
import type { AccountFields, Entry } from './account';

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
  'intent_underpaid',
  'settlement',
  'transfer',
  'transfer_reversal',
  'issuance',
] as const;
/** What a transaction was posted for. `subject` groups the transactions that a reader would look at together. */
export type Cause = { readonly type: (typeof causeTypes)[number]; readonly id: string; readonly subject: string };

export type BookEvent =
  /** `rule` is the posting rule that needed the account; null when a command opened it. */
  | ({ readonly type: 'AccountOpened'; readonly rule: string | null; readonly at: string } & AccountFields)
  | { readonly type: 'AccountFrozen'; readonly accountId: string; readonly actor: string; readonly at: string }
  | { readonly type: 'AccountUnfrozen'; readonly accountId: string; readonly actor: string; readonly at: string }
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
  /** A fact or an issue of funds. `effectiveAt` is when it happened, `at` when it was recorded. */
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
      readonly effectiveAt: string;
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
      readonly tenantId: string | null;
      readonly actor: string | null;
      readonly request: Readonly<Record<string, string>>;
      readonly at: string;
    };

/** In descending precedence: when several apply to a command, the first listed is returned. */
export const bookRejections = [
  'id_reused',
  'account_exists_with_different_fields',
  'account_not_found',
  'debit_account_not_found',
  'credit_account_not_found',
  'accounts_not_distinct',
  'asset_mismatch',
  'debit_account_frozen',
  'credit_account_frozen',
  'transfer_not_found',
  'transfer_not_confirmed',
  'transfer_already_reversed',
  'insufficient_balance',
] as const;
export type BookRejection = (typeof bookRejections)[number];
