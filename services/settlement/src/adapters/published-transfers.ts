/** What is told of a transfer through an institution: its full state with each change, and what the ledger is to do. Pure. */
import {
  institutionTransferFailed,
  institutionTransferReturned,
  institutionTransferSettled,
  institutionTransferStatusChanged,
} from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { messageOf, type OutgoingMessage } from '@daybook/messaging';
import type { TransferEvent } from '../domain/bank-transfer';
import { holdIdOf } from '../domain/transfer-hold';

export function publishedOfTransfer(event: TransferEvent, stored: StoredEvent): readonly OutgoingMessage[] {
  const { summary, at } = event;
  const { encryptedDetails: _, exceptions, reference, ...state } = summary;
  const { transactionId, tenantId, mode, institutionId, asset, amount } = summary;
  const fact = { transactionId, tenantId, mode, institutionId, asset, amount, at };
  const holdId = holdIdOf(transactionId);
  const changed = messageOf(
    institutionTransferStatusChanged,
    { ...state, exceptions: [...exceptions], institutionReference: reference },
    stored,
  );
  switch (event.type) {
    case 'BankTransferSettled':
      return [messageOf(institutionTransferSettled, { ...fact, holdId }, stored), changed];
    case 'BankTransferFailed':
      return event.held ? [messageOf(institutionTransferFailed, { ...fact, holdId }, stored), changed] : [changed];
    case 'BankTransferReturned':
      return [messageOf(institutionTransferReturned, fact, stored), changed];
    default:
      return [changed];
  }
}
