/**
 * Book: one independent journal, as one deterministic state machine over many accounts and assets.
 *
 * A transfer is authorizing (refused when the sender cannot give it) and has two phases:
 *
 *   none ──AcceptTransfer──▶ pending ──ConfirmTransfer──▶ confirmed ──ReverseTransfer──▶ reversed
 *                               └───────FailTransfer────▶ failed
 *
 * A fact is recorded in one step and never refused; the posting rule opens the accounts that it needs.
 *
 * Invariants (each has a property test of the same name):
 *   B1  The entries of an event are positive and balance per asset.
 *   B2  An account's posted balance is the sum of its entries.
 *   B3  No transfer, reversal or hold takes an account's available balance below its floor.
 *   B4  Held and incoming are the sums of the pending transfers of the account.
 *   B5  A transfer is confirmed or failed at most once, and reversed at most once after it was confirmed.
 *   B6  A repeated id with the same content gets the original answer; with other content it is refused as reused.
 *       Neither records anything.
 *   B7  A fact is never refused, and its event names every floor that it breaks.
 *   B8  The events alone give the state.
 *   B9  A tenant moves money from its own wallets only.
 *   B10 A state from a snapshot and its tail has the accounts and the open records of the whole journal.
 *   B11 A record is the fold of the events that touch it.
 *   B12 A fork decides and changes as the book does, and leaves the book as it is.
 */
import { assert, assertNever } from '@daybook/core';
import {
  availableOf,
  canGive,
  chartFieldsOf,
  effectOf,
  sameFields,
  type Account,
  type AccountFields,
  type Entry,
} from './account';
import type { BookCommand, CommandOf } from './book-commands';
import type { BookEvent, BookRejection, Cause, TransferFields } from './book-events';
import type { WorkingState } from './book-state';
import {
  causeOf,
  postFact,
  postIssue,
  transferEntries,
  transferReversalEntries,
  transferReversalRule,
  transferRule,
  type Posting,
} from './posting-rules';
import type { BookRecord, TransferSubject } from './records';

export type { BookCommand } from './book-commands';

/** What a command comes to. `events` are to be recorded, also when they record that it was refused. */
export type Verdict =
  | { readonly type: 'recorded'; readonly events: readonly BookEvent[]; readonly rejection: BookRejection | null }
  /** Answered before, or nothing to do: nothing is recorded. */
  | { readonly type: 'repeated'; readonly outcome: Pick<BookRecord, 'rejection' | 'at' | 'reference'> }
  /** Refused without a trace: the id already has its answer, or the command comes from the ledger itself. */
  | { readonly type: 'refused'; readonly rejection: BookRejection };

/** Rules on a command as of `at`, which is not before the book's last event. Changes nothing. */
export function decide(state: WorkingState, command: BookCommand, at: string): Verdict {
  switch (command.type) {
    case 'OpenAccount':
      return openAccount(state, command, at);
    case 'IssueFunds':
      return taken(state, command.transactionId, command.contentHash) ?? issueFunds(state, command, at);
    case 'AcceptTransfer':
      return taken(state, command.transferId, command.contentHash) ?? acceptTransfer(state, command, at);
    case 'ConfirmTransfer':
      return confirmTransfer(state, command, at);
    case 'FailTransfer':
      return failTransfer(state, command, at);
    case 'ReverseTransfer':
      return taken(state, command.reversalId, command.contentHash) ?? reverseTransfer(state, command, at);
    case 'SetAccountFrozen':
      return setAccountFrozen(state, command, at);
    case 'PostFact':
      return original(state, command.transactionId, command.contentHash) ?? recordFact(state, command, at);
    default:
      return assertNever(command);
  }
}

function record(...events: readonly BookEvent[]): Verdict {
  return { type: 'recorded', events, rejection: null };
}

function nothingToDo(at: string, reference = ''): Verdict {
  return { type: 'repeated', outcome: { rejection: null, at, reference } };
}

function refuse(rejection: BookRejection): Verdict {
  return { type: 'refused', rejection };
}

/** Transaction ids that the ledger makes itself; a caller cannot take one. */
const reversalPrefix = 'reversal:';
const underpaidPrefix = 'underpaid:';

export function reversalPostingIdOf(transferId: string): string {
  return reversalPrefix + transferId;
}

export function underpaidIdOf(intentId: string): string {
  return underpaidPrefix + intentId;
}

/** The verdict on an id that a caller chose and that is already taken, or null. */
function taken(state: WorkingState, commandId: string, contentHash: string): Verdict | null {
  if (commandId.startsWith(reversalPrefix) || commandId.startsWith(underpaidPrefix)) return refuse('id_reused');
  return original(state, commandId, contentHash);
}

function original(state: WorkingState, commandId: string, contentHash: string): Verdict | null {
  const record = state.records.get(commandId);
  if (record === undefined) return null;
  return record.contentHash === contentHash ? { type: 'repeated', outcome: record } : refuse('id_reused');
}

function openAccount(state: WorkingState, command: CommandOf<'OpenAccount'>, at: string): Verdict {
  const { accountId, tenantId, asset, accountType, floor } = command;
  const fields = { accountId, tenantId, asset, accountType, floor };
  const existing = state.accounts.get(fields.accountId);
  const fixed = existing ?? chartFieldsOf(fields.accountId);
  if (fixed === 'misspelt' || (fixed !== null && !sameFields(fixed, fields)))
    return refuse('account_exists_with_different_fields');
  if (existing !== undefined) return nothingToDo(existing.openedAt);
  return record({ type: 'AccountOpened', ...fields, rule: null, at });
}

function issueFunds(state: WorkingState, command: CommandOf<'IssueFunds'>, at: string): Verdict {
  const { transactionId, contentHash, accountId, asset, amount } = command;
  const account = state.accounts.get(accountId);
  const no = (rejection: BookRejection) =>
    rejected(rejection, {
      commandId: transactionId,
      commandType: command.type,
      contentHash,
      tenantId: account?.tenantId ?? null,
      actor: null,
      request: { accountId, asset, amount: amount.toString() },
      at,
    });
  if (account === undefined || !account.wallet) return no('account_not_found');
  if (account.asset !== asset) return no('asset_mismatch');
  const cause = { type: 'issuance', id: transactionId, subject: accountId } as const;
  const { tenantId } = account;
  return recordPosting(state, postIssue(account, amount), {
    transactionId,
    contentHash,
    tenantId,
    cause,
    effectiveAt: at,
    at,
  });
}

function acceptTransfer(state: WorkingState, command: CommandOf<'AcceptTransfer'>, at: string): Verdict {
  const { transferId, contentHash, tenantId, debitAccountId, creditAccountId, asset, amount, referenceId, note } =
    command;
  const debit = walletOf(state, debitAccountId);
  const credit = walletOf(state, creditAccountId);
  const no = (rejection: BookRejection) =>
    rejected(rejection, {
      commandId: transferId,
      commandType: command.type,
      contentHash,
      tenantId,
      actor: null,
      request: { debitAccountId, creditAccountId, asset, amount: amount.toString(), referenceId },
      at,
    });
  if (debit === undefined || debit.tenantId !== tenantId) return no('debit_account_not_found');
  if (credit === undefined || credit.tenantId === null) return no('credit_account_not_found');
  if (debit === credit) return no('accounts_not_distinct');
  if (debit.asset !== asset || credit.asset !== asset) return no('asset_mismatch');
  if (debit.frozen) return no('debit_account_frozen');
  if (credit.frozen) return no('credit_account_frozen');
  if (!canGive(debit, amount)) return no('insufficient_balance');
  const transfer: TransferFields = {
    transferId,
    debitTenantId: debit.tenantId,
    debitAccountId,
    creditTenantId: credit.tenantId,
    creditAccountId,
    asset,
    amount,
    referenceId,
    acceptedAt: at,
  };
  return record({ type: 'TransferAccepted', transfer, contentHash, note, at });
}

/** Refused with the frozen side, so that the one who confirms can fail the transfer for that reason. */
function confirmTransfer(state: WorkingState, { transferId }: CommandOf<'ConfirmTransfer'>, at: string): Verdict {
  const transfer = transferOf(state, transferId);
  if (transfer === undefined) return refuse('transfer_not_found');
  const { fields } = transfer;
  if (transfer.status !== 'pending') return nothingToDo(fields.acceptedAt);
  if (state.accounts.get(fields.debitAccountId)?.frozen) return refuse('debit_account_frozen');
  if (state.accounts.get(fields.creditAccountId)?.frozen) return refuse('credit_account_frozen');
  return record({
    type: 'TransferConfirmed',
    transfer: fields,
    rule: transferRule,
    entries: transferEntries(fields),
    at,
  });
}

function failTransfer(state: WorkingState, { transferId, reason }: CommandOf<'FailTransfer'>, at: string): Verdict {
  const transfer = transferOf(state, transferId);
  if (transfer === undefined) return refuse('transfer_not_found');
  if (transfer.status !== 'pending') return nothingToDo(transfer.fields.acceptedAt);
  return record({ type: 'TransferFailed', transfer: transfer.fields, reason, at });
}

function reverseTransfer(state: WorkingState, command: CommandOf<'ReverseTransfer'>, at: string): Verdict {
  const { reversalId, contentHash, transferId, actor } = command;
  const transfer = transferOf(state, transferId);
  const no = (rejection: BookRejection) =>
    rejected(rejection, {
      commandId: reversalId,
      commandType: command.type,
      contentHash,
      tenantId: transfer?.fields.debitTenantId ?? null,
      actor,
      request: { transferId },
      at,
    });
  if (transfer === undefined) return no('transfer_not_found');
  if (transfer.status === 'pending' || transfer.status === 'failed') return no('transfer_not_confirmed');
  if (transfer.status === 'reversed') return no('transfer_already_reversed');
  const { fields, confirmation } = transfer;
  const recipient = state.accounts.get(fields.creditAccountId);
  assert(recipient && confirmation !== null, `transfer ${transferId} is confirmed without its account or event`);
  if (!canGive(recipient, fields.amount)) return no('insufficient_balance');
  return record({
    type: 'TransferReversed',
    reversalId,
    contentHash,
    transfer: fields,
    transactionId: reversalPostingIdOf(transferId),
    reversed: confirmation,
    rule: transferReversalRule,
    actor,
    entries: transferReversalEntries(fields),
    at,
  });
}

function setAccountFrozen(state: WorkingState, command: CommandOf<'SetAccountFrozen'>, at: string): Verdict {
  const { accountId, frozen, actor } = command;
  const account = state.accounts.get(accountId);
  if (account === undefined) {
    return rejected('account_not_found', {
      commandId: `freeze:${accountId}`,
      commandType: command.type,
      contentHash: null,
      tenantId: null,
      actor,
      request: { accountId, frozen: String(frozen) },
      at,
    });
  }
  if (account.frozen === frozen) return nothingToDo(account.updatedAt);
  return record({ type: frozen ? 'AccountFrozen' : 'AccountUnfrozen', accountId, actor, at });
}

function recordFact(state: WorkingState, command: CommandOf<'PostFact'>, at: string): Verdict {
  const { transactionId, contentHash, fact, effectiveAt } = command;
  const { tenantId } = fact;
  const cause = causeOf(fact, transactionId);
  const posting = postFact(fact, effectiveAt);
  return recordPosting(state, posting, { transactionId, contentHash, tenantId, cause, effectiveAt, at });
}

type Posted = {
  readonly transactionId: string;
  readonly contentHash: string;
  readonly tenantId: string | null;
  readonly cause: Cause;
  readonly effectiveAt: string;
  readonly at: string;
};

/** A posting without entries, such as a deposit of nothing, records nothing. */
function recordPosting(state: WorkingState, { rule, entries, accounts }: Posting, posted: Posted): Verdict {
  if (entries.length === 0) return nothingToDo(posted.at);
  const { at } = posted;
  const missing = accounts.filter(({ accountId }) => !state.accounts.has(accountId));
  const floorBreaches = breachesOf(state, entries, accounts);
  return record(...missing.map((fields): BookEvent => ({ type: 'AccountOpened', ...fields, rule, at })), {
    type: 'TransactionPosted',
    ...posted,
    rule,
    entries,
    floorBreaches,
  });
}

/** The accounts that the entries would lower and leave below their floor. */
function breachesOf(state: WorkingState, entries: readonly Entry[], accounts: readonly AccountFields[]): string[] {
  return accounts
    .filter((fields) => {
      const account = state.accounts.get(fields.accountId);
      const change = entries
        .filter(({ accountId }) => accountId === fields.accountId)
        .reduce((sum, entry) => sum + effectOf(entry, fields.accountType), 0n);
      const available = account === undefined ? 0n : availableOf(account);
      return fields.floor !== null && change < 0n && available + change < fields.floor;
    })
    .map(({ accountId }) => accountId);
}

function rejected(
  rejection: BookRejection,
  fields: Omit<Extract<BookEvent, { type: 'CommandRejected' }>, 'type' | 'rejection'>,
): Verdict {
  return { type: 'recorded', events: [{ type: 'CommandRejected', rejection, ...fields }], rejection };
}

function walletOf(state: WorkingState, accountId: string): Account | undefined {
  const account = state.accounts.get(accountId);
  return account !== undefined && account.wallet ? account : undefined;
}

function transferOf(state: WorkingState, transferId: string): TransferSubject | undefined {
  const subject = state.records.get(transferId)?.subject;
  return subject?.type === 'transfer' ? subject : undefined;
}
