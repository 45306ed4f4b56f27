/**
 * settlement.settlements → facts: a paid intent's amount goes to the merchant. The settlement's id is the transaction's
 * id, so an instruction that comes again posts nothing more.
 */
import { settlementInstructed } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import type { PostFact } from '../app/post-fact';

export function settlementsSubscription(postFact: PostFact): Subscription {
  return {
    group: 'ledger.settlements',
    topic: settlementInstructed.topic,
    handlers: [
      on(settlementInstructed, async (_tx, { data }) => {
        const { mode, settlementId, intentId, tenantId, asset, amount, at } = data;
        const fact = { type: 'settlement', settlementId, intentId, tenantId, asset, amount } as const;
        await postFact({ mode, fact, effectiveAt: at });
      }),
    ],
  };
}
