/**
 * intents.intents: what changed for a receiver becomes deliveries of the `intents` dialect. What was last told of an
 * intent is kept in the transaction that claims the message; the messages of one intent arrive in order. Appends have
 * deterministic ids, so a message that is handled twice schedules once.
 */
import { intentStatusChanged } from '@daybook/contracts';
import type { Tx } from '@daybook/event-store';
import { on, type Subscription } from '@daybook/messaging';
import { eventsOf, toldOf, type Told } from '../app/intent-events';
import { scheduleIntent, type ScheduleDeps } from '../app/schedule-deliveries';

export type { Told } from '../app/intent-events';

/** Port: keeps what is told now, in the transaction that claims the message, and returns what was told before. */
export type ReplaceTold = (tx: Tx, intentId: string, told: Told) => Promise<Told | undefined>;

export function intentsConsumer(deps: ScheduleDeps, replaceTold: ReplaceTold): Subscription {
  return {
    group: 'notifications.intents',
    topic: intentStatusChanged.topic,
    handlers: [
      on(intentStatusChanged, async (tx, { id, data, streamVersion, correlationId }) => {
        const before = await replaceTold(tx, data.intentId, toldOf(data));
        const source = { messageId: id, sequence: streamVersion, correlationId };
        await scheduleIntent(deps, data, source, eventsOf(data, before));
      }),
    ],
  };
}
