/**
 * ledger.transactions: the journal has a settlement's entries, whose transaction id is the settlement's; or what an
 * institution paid out, or its return, of the transfer that is the subject; or a send. A repeat finds it posted. Transactions with
 * another cause are not for this service.
 */
import { transactionPosted } from '@daybook/contracts';
import { on, type ReceivedMessage, type Subscription } from '@daybook/messaging';
import type { z } from 'zod';
import type { AdvanceSettlement } from '../app/advance-settlement';
import type { BookSend } from '../app/book-send';
import type { BookTransfer } from '../app/book-transfer';

type Posted = ReceivedMessage<z.output<typeof transactionPosted.data>>;

export function ledgerTransactionsSubscription(
  advance: AdvanceSettlement,
  book: BookTransfer,
  bookSend: BookSend,
): Subscription {
  const effects: Readonly<Record<string, (message: Posted) => Promise<unknown>>> = {
    institution_transfer: (message) => booked('payout', message),
    institution_transfer_return: (message) => booked('return', message),
    chain_send: (message) => bookSend(message.data.cause.id, message.data.ledgerReference, message),
    settlement(message) {
      const { cause, ledgerReference } = message.data;
      const at = message.occurredAt;
      return advance(cause.id, { type: 'TransactionPosted', settlementId: cause.id, ledgerReference, at }, message);
    },
  };
  const booked = (what: 'payout' | 'return', message: Posted) =>
    book(message.data.cause.subject, what, message.data.ledgerReference, message);
  return {
    group: 'settlement.ledger-transactions',
    topic: transactionPosted.topic,
    handlers: [
      on(
        transactionPosted,
        async (_tx, message) => void (await effects[message.data.cause.type]?.(message)),
        ({ cause }) => effects[cause.type] !== undefined,
      ),
    ],
  };
}
