/**
 * intents.payments → facts: a payment provider took a payer's money. The payment's id is its transaction's id, so a
 * message that comes again posts nothing more. Changes of a payment's status are not for this service.
 */
import { providerPaymentReceived } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import type { PostFact } from '../app/post-fact';

export function paymentsSubscription(postFact: PostFact): Subscription {
  return {
    group: 'ledger.payments',
    topic: providerPaymentReceived.topic,
    handlers: [
      on(providerPaymentReceived, async (_tx, { data }) => {
        const { mode, transactionId, gatewayId, tenantId, asset, amount, at } = data;
        const fact = { type: 'provider_payment', transactionId, gatewayId, tenantId, asset, amount } as const;
        await postFact({ mode, fact, effectiveAt: at });
      }),
    ],
  };
}
