/**
 * ledger.transactions: a deposit of an intent, or the money of a payment, is in the journal. A deposit's transaction has its
 * id, and the intent's as subject; a payment's has the payment's own. A repeat finds it booked. Transactions with another
 * cause are not for this service.
 */
import { transactionPosted } from '@daybook/contracts';
import { assert } from '@daybook/core';
import { on, type Subscription } from '@daybook/messaging';
import type { bookPayment } from '../app/book-payment';
import { recordFact } from '../app/intent-stream';
import type { IntentStore, PolicyOf } from '../ports';

const causes: ReadonlySet<string> = new Set(['provider_payment', 'intent_payment', 'intent_receipt']);

export function ledgerTransactionsSubscription(
  intents: IntentStore,
  book: ReturnType<typeof bookPayment>,
  policyOf: PolicyOf,
): Subscription {
  return {
    group: 'intents.ledger-transactions',
    topic: transactionPosted.topic,
    handlers: [
      on(
        transactionPosted,
        async (_tx, message) => {
          const { cause, ledgerReference, tenantId, mode } = message.data;
          if (cause.type === 'provider_payment') return book(cause.id, ledgerReference, message);
          assert(tenantId !== null, 'what was received is of a tenant');
          const policy = await policyOf({ tenantId, mode });
          const booked = { type: 'RecordDepositBooked', depositId: cause.id, policy } as const;
          await recordFact(intents, cause.subject, booked, message);
        },
        ({ cause }) => causes.has(cause.type),
      ),
    ],
  };
}
