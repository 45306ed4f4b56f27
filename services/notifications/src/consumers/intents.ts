/**
 * intents.intents: status changes become deliveries of the `intents` dialect. The exceptions already told of are kept
 * per intent, in the transaction that claims the message; the messages of one intent arrive in order. Appends have
 * deterministic ids, so a message that is handled twice schedules once.
 */
import { intentStatusChanged } from '@daybook/contracts';
import type { Tx } from '@daybook/event-store';
import { on, type Subscription } from '@daybook/messaging';
import { scheduleIntent, type ScheduleDeps } from '../app/schedule-deliveries';

export function intentsConsumer(deps: ScheduleDeps): Subscription {
  return {
    group: 'notifications.intents',
    topic: intentStatusChanged.topic,
    handlers: [
      on(intentStatusChanged, async (tx, { id, data, streamVersion, correlationId }) => {
        const newExceptions = await rememberExceptions(tx, data.intentId, data.exceptions);
        const source = { messageId: id, sequence: streamVersion, correlationId };
        await scheduleIntent(deps, data, source, { newExceptions });
      }),
    ],
  };
}

/** Whether one of the exceptions is new for the intent. */
async function rememberExceptions(tx: Tx, intentId: string, exceptions: readonly string[]): Promise<boolean> {
  if (exceptions.length === 0) return false;
  const inserted = await tx.query(
    `insert into intent_exceptions (intent_id, exception) select $1, unnest($2::text[]) on conflict do nothing`,
    [intentId, exceptions],
  );
  return (inserted.rowCount ?? 0) > 0;
}
