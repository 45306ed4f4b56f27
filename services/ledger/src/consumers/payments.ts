/**
 * intents.payments → facts: a payment provider took a payer's money, some of it went back, or came back from there. The payment's
 * id is its transaction's id, and each change of what went back has its number, so a message that comes again posts nothing
 * more. Changes of a payment's status are not for this service.
 */
import { providerPaymentReceived, providerPaymentReturned } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import type { PostFact } from '../app/post-fact';

const factOf = { returned: 'provider_payment_return', reinstated: 'provider_payment_reinstatement' } as const;

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
      on(providerPaymentReturned, async (_tx, { data }) => {
        const { mode, transactionId, change, gatewayId, tenantId, asset, direction, amount, at } = data;
        // Their order is a part of the hash that tells a repeat.
        const returned = { returnId: `${transactionId}:${change}`, transactionId, gatewayId, tenantId, asset, amount };
        await postFact({ mode, fact: { type: factOf[direction], ...returned }, effectiveAt: at });
      }),
    ],
  };
}
