/**
 * intents.intents: a paid intent starts its settlement. The settlement's id derives from the intent's, so a repeat
 * finds it started. The other facts about intents are not for this service.
 */
import { intentPaid } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import { uuidFrom } from '@daybook/runtime';
import type { AdvanceSettlement } from '../app/advance-settlement';

export function intentsSubscription(advance: AdvanceSettlement): Subscription {
  return {
    group: 'settlement.intents',
    topic: intentPaid.topic,
    handlers: [
      on(intentPaid, async (_tx, message) => {
        const { intentId, tenantId, mode, asset, amount } = message.data;
        const settlementId = uuidFrom(['settlement', intentId]);
        const terms = { settlementId, intentId, tenantId, mode, asset, amount };
        await advance(settlementId, { type: 'IntentPaid', terms, at: message.occurredAt }, message);
      }),
    ],
  };
}
