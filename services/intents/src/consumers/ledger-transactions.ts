/**
 * ledger.transactions: a deposit of an intent is in the journal. The transaction id is the deposit's id and the subject
 * is the intent's, so a repeat finds the deposit booked. Transactions with another cause are not about deposits.
 */
import { transactionPosted } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import { recordFact } from '../app/intent-stream';
import type { IntentStore } from '../ports';

export function ledgerTransactionsSubscription(intents: IntentStore): Subscription {
  return {
    group: 'intents.ledger-transactions',
    topic: transactionPosted.topic,
    handlers: [
      on(transactionPosted, async (_tx, message) => {
        const { cause } = message.data;
        if (cause.type !== 'intent_payment') return;
        await recordFact(intents, cause.subject, { type: 'RecordDepositBooked', depositId: cause.id }, message);
      }),
    ],
  };
}
