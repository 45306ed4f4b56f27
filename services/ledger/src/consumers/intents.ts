/**
 * intents.intents → facts: a payment was received, an intent ended underpaid. The fact's id is its transaction's id, so
 * a message that comes again, or after a crash between the journal and the inbox, posts nothing more.
 */
import { intentUnderpaid, paymentReceived } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import type { PostFact } from '../app/post-fact';

export function intentsSubscription(postFact: PostFact): Subscription {
  return {
    group: 'ledger.intents',
    topic: paymentReceived.topic,
    handlers: [
      on(paymentReceived, async (_tx, { data }) => {
        const { mode, depositId, intentId, tenantId, chain, asset, applied, refundable, at } = data;
        const type = 'intent_payment';
        const fact = { type, depositId, intentId, tenantId, chain, asset, applied, refundable } as const;
        await postFact({ mode, fact, effectiveAt: at });
      }),
      on(intentUnderpaid, async (_tx, { data }) => {
        const { mode, intentId, tenantId, asset, amount, at } = data;
        const fact = { type: 'intent_underpaid', intentId, tenantId, asset, amount } as const;
        await postFact({ mode, fact, effectiveAt: at });
      }),
    ],
  };
}
