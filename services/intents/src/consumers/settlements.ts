/**
 * settlement.settlements: the amount of a paid intent is in the merchant's balance. A repeat finds the intent settled.
 * An instruction alone changes nothing here.
 */
import { settlementCompleted } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import type { Clock } from '@daybook/runtime';
import { recordFact } from '../app/intent-stream';
import type { IntentStore } from '../ports';

export function settlementsSubscription(intents: IntentStore, now: Clock): Subscription {
  return {
    group: 'intents.settlements',
    topic: settlementCompleted.topic,
    handlers: [
      on(settlementCompleted, async (_tx, message) => {
        const { intentId, settlementId, ledgerReference } = message.data;
        const command = { type: 'RecordSettled', settlementId, ledgerReference, at: now().toISOString() } as const;
        await recordFact(intents, intentId, command, message);
      }),
    ],
  };
}
