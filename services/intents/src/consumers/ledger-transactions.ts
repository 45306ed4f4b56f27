/**
 * ledger.transactions: a deposit of an intent is in the journal. The transaction id is the deposit's id and the subject
 * is the intent's, so a repeat finds the deposit booked. Transactions with another cause are not about deposits.
 */
import { transactionPosted } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import type { Clock } from '@daybook/runtime';
import { recordFact } from '../app/intent-stream';
import type { IntentStore } from '../ports';

export function ledgerTransactionsSubscription(intents: IntentStore, now: Clock): Subscription {
  return {
    group: 'intents.ledger-transactions',
    topic: transactionPosted.topic,
    handlers: [
      on(transactionPosted, async (_tx, message) => {
        const { cause } = message.data;
        if (cause.type !== 'intent_payment') return;
        const command = { type: 'RecordDepositBooked', depositId: cause.id, at: now().toISOString() } as const;
        await recordFact(intents, cause.subject, command, message);
      }),
    ],
  };
}
