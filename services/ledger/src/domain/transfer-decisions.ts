/** Transfers between wallets: accept, confirm or fail, reverse. */
import { assert } from '@daybook/core';
import { canGive, type Account } from './account';
import type { CommandOf } from './book-commands';
import type { BookRejection, TransferFields } from './book-events';
import type { WorkingState } from './book-state';
import { transferEntries, transferReversalEntries, transferReversalRule, transferRule } from './posting-rules';
import type { TransferSubject } from './records';
import { nothingToDo, record, refuse, rejected, reversalPostingIdOf, type Verdict } from './verdict';

export function acceptTransfer(state: WorkingState, command: CommandOf<'AcceptTransfer'>, at: string): Verdict {
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
export function confirmTransfer(
  state: WorkingState,
  { transferId }: CommandOf<'ConfirmTransfer'>,
  at: string,
): Verdict {
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

export function failTransfer(
  state: WorkingState,
  { transferId, reason }: CommandOf<'FailTransfer'>,
  at: string,
): Verdict {
  const transfer = transferOf(state, transferId);
  if (transfer === undefined) return refuse('transfer_not_found');
  if (transfer.status !== 'pending') return nothingToDo(transfer.fields.acceptedAt);
  return record({ type: 'TransferFailed', transfer: transfer.fields, reason, at });
}

export function reverseTransfer(state: WorkingState, command: CommandOf<'ReverseTransfer'>, at: string): Verdict {
  const { reversalId, contentHash, transferId, actor } = command;
  const transfer = transferOf(state, transferId);
  const no = (rejection: BookRejection) =>
    rejected(rejection, {
      commandId: reversalId,
      commandType: command.type,
      contentHash,
      // Only operators reverse, whosever transfer it is.
      tenantId: null,
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

function walletOf(state: WorkingState, accountId: string): Account | undefined {
  const account = state.accounts.get(accountId);
  return account !== undefined && account.wallet ? account : undefined;
}

function transferOf(state: WorkingState, transferId: string): TransferSubject | undefined {
  const subject = state.records.get(transferId)?.subject;
  return subject?.type === 'transfer' ? subject : undefined;
}
