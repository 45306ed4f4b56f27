/**
 * ledger.transactions: the journal has a settlement's entries, whose transaction id is the settlement's; or what an
 * institution paid out, or its return, of the transfer that is the subject; or a send. A repeat finds it posted. Transactions with
 * another cause are not for this service.
 */
import { transactionPosted } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import type { AdvanceSettlement } from '../app/advance-settlement';
import type { BookSend } from '../app/book-send';
import type { BookTransfer } from '../app/book-transfer';

const causes: ReadonlySet<string> = new Set([
  'institution_transfer',
  'institution_transfer_return',
  'chain_send',
  'settlement',
]);

export function ledgerTransactionsSubscription(
  advance: AdvanceSettlement,
  book: BookTransfer,
  bookSend: BookSend,
): Subscription {
  return {
    group: 'settlement.ledger-transactions',
    topic: transactionPosted.topic,
    handlers: [
      on(
        transactionPosted,
        async (_tx, message) => {
          const { cause, ledgerReference } = message.data;
          if (cause.type === 'institution_transfer') return book(cause.subject, 'payout', ledgerReference, message);
          if (cause.type === 'institution_transfer_return')
            return book(cause.subject, 'return', ledgerReference, message);
          if (cause.type === 'chain_send') return bookSend(cause.id, ledgerReference, message);
          const at = message.occurredAt;
          await advance(cause.id, { type: 'TransactionPosted', settlementId: cause.id, ledgerReference, at }, message);
        },
        ({ cause }) => causes.has(cause.type),
      ),
    ],
  };
}
