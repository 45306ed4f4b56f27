/**
 * What other services are told of a book's events: every set of entries as TransactionPosted, captures and
 * reversals included, every change of a
 * transfer as TransferStatusChanged with its full state. Pure: publishing again gives the same messages.
 */
import { transactionPosted, transferStatusChanged } from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { messageOf, type OutgoingMessage } from '@daybook/messaging';
import { modeOfStream } from '../app/books';
import type { BookEvent, TransferFields } from '../domain/book-events';
import { transactionOf, type PostingEvent } from '../domain/transaction';
import { referenceOf } from './stored-events';

/** `decode` is brought, because others decode the same events. */
export function publishedBy(decode: (stored: StoredEvent) => BookEvent) {
  return (stored: StoredEvent) => publishedEvents(stored, decode(stored));
}

function publishedEvents(stored: StoredEvent, event: BookEvent): readonly OutgoingMessage[] {
  switch (event.type) {
    case 'TransactionPosted':
    case 'TransactionReversed':
    case 'HoldCaptured':
      return [transactionMessage(event, stored)];
    case 'TransferAccepted':
      return [transferMessage(event, { status: 'processing', failure: null, ledgerReference: null }, stored)];
    case 'TransferConfirmed': {
      const ledgerReference = referenceOf(stored.payload);
      return [
        transactionMessage(event, stored),
        transferMessage(event, { status: 'confirmed', failure: null, ledgerReference }, stored),
      ];
    }
    case 'TransferFailed':
      return [transferMessage(event, { status: 'failed', failure: event.reason, ledgerReference: null }, stored)];
    case 'TransferReversed':
      return [
        transactionMessage(event, stored),
        transferMessage(event, { status: 'reversed', failure: null, ledgerReference: event.reversed }, stored),
      ];
    case 'AccountOpened':
    case 'AccountLimitsSet':
    case 'AccountFrozen':
    case 'AccountUnfrozen':
    case 'HoldPlaced':
    case 'HoldReleased':
    case 'HoldExpired':
    case 'PeriodClosed':
    case 'CheckpointSigned':
    case 'CommandRejected':
      return [];
  }
}

function transactionMessage(event: PostingEvent, stored: StoredEvent): OutgoingMessage {
  const { transactionId, tenantId, cause, rule, entries, postedAt } = transactionOf(event);
  return messageOf(
    transactionPosted,
    {
      transactionId,
      mode: modeOfStream(stored.stream),
      tenantId,
      cause: { ...cause },
      rule,
      entries: [...entries],
      ledgerReference: referenceOf(stored.payload),
      sequence: Number(stored.revision),
      postedAt,
    },
    stored,
  );
}

type Changed = Extract<BookEvent, { readonly transfer: TransferFields }>;
type Status = {
  readonly status: 'processing' | 'confirmed' | 'failed' | 'reversed';
  readonly failure: string | null;
  readonly ledgerReference: string | null;
};

function transferMessage({ transfer, at }: Changed, status: Status, stored: StoredEvent): OutgoingMessage {
  const { transferId, debitTenantId, debitAccountId, creditTenantId, creditAccountId } = transfer;
  const { asset, amount, referenceId, acceptedAt } = transfer;
  return messageOf(
    transferStatusChanged,
    {
      transferId,
      mode: modeOfStream(stored.stream),
      debitTenantId,
      debitAccountId,
      creditTenantId,
      creditAccountId,
      asset,
      amount,
      referenceId,
      ...status,
      acceptedAt,
      at,
    },
    stored,
  );
}
