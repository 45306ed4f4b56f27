/**
 * settlement.settlements: the amount of a paid intent is in the merchant's balance. A repeat finds the intent settled.
 * An instruction alone changes nothing here.
 */
import { settlementCompleted } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import { recordFact } from '../app/intent-stream';
import type { IntentStore } from '../ports';

export function settlementsSubscription(intents: IntentStore): Subscription {
  return {
    group: 'intents.settlements',
    topic: settlementCompleted.topic,
    handlers: [
      on(settlementCompleted, async (_tx, message) => {
        const { intentId, settlementId, ledgerReference } = message.data;
        await recordFact(intents, intentId, { type: 'RecordSettled', settlementId, ledgerReference }, message);
      }),
    ],
  };
}
