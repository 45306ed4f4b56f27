/**
 * ledger.transactions: the journal has a settlement's entries. The transaction id is the settlement's id, so a repeat
 * finds it posted. Transactions with another cause are not about settlements.
 */
import { transactionPosted } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import type { AdvanceSettlement } from '../app/advance-settlement';

export function ledgerTransactionsSubscription(advance: AdvanceSettlement): Subscription {
  return {
    group: 'settlement.ledger-transactions',
    topic: transactionPosted.topic,
    handlers: [
      on(transactionPosted, async (_tx, message) => {
        const { cause, ledgerReference } = message.data;
        if (cause.type !== 'settlement') return;
        const at = message.occurredAt;
        await advance(cause.id, { type: 'TransactionPosted', settlementId: cause.id, ledgerReference, at }, message);
      }),
    ],
  };
}
