/**
 * intents.intents: what changed for a receiver becomes deliveries of the `intents` dialect. What was last told of an
 * intent is kept in the transaction that claims the message; the messages of one intent arrive in order. Appends have
 * deterministic ids, so a message that is handled twice schedules once.
 */
import { intentStatusChanged } from '@daybook/contracts';
import type { Tx } from '@daybook/event-store';
import { on, type Subscription } from '@daybook/messaging';
import type { IntentFact } from '../app/payloads';
import { scheduleIntent, type ScheduleDeps } from '../app/schedule-deliveries';

export function intentsConsumer(deps: ScheduleDeps): Subscription {
  return {
    group: 'notifications.intents',
    topic: intentStatusChanged.topic,
    handlers: [
      on(intentStatusChanged, async (tx, { id, data, streamVersion, correlationId }) => {
        const told = await rememberTold(tx, data);
        if (!told.changed) return;
        const source = { messageId: id, sequence: streamVersion, correlationId };
        await scheduleIntent(deps, data, source, { newExceptions: told.newExceptions });
      }),
    ],
  };
}

/**
 * An intent also changes in ways that its payload does not show, such as a deposit that was confirming and is final but
 * not in the journal yet. Telling of those would be the same webhook again.
 */
async function rememberTold(tx: Tx, intent: IntentFact): Promise<{ changed: boolean; newExceptions: boolean }> {
  const shown = shownOf(intent);
  const { rows } = await tx.query<{ exceptions: string[]; shown: string }>(
    'select exceptions, shown from told_intents where intent_id = $1',
    [intent.intentId],
  );
  const [before] = rows;
  await tx.query(
    `insert into told_intents (intent_id, exceptions, shown) values ($1, $2, $3)
     on conflict (intent_id) do update set exceptions = excluded.exceptions, shown = excluded.shown`,
    [intent.intentId, intent.exceptions, shown],
  );
  const known = before?.exceptions ?? [];
  return { changed: before?.shown !== shown, newExceptions: intent.exceptions.some((each) => !known.includes(each)) };
}

function shownOf({
  status,
  amountReceived,
  amountRefundable,
  exceptions,
  transactionHash,
  verifiedAt,
}: IntentFact): string {
  return [status, amountReceived, amountRefundable, exceptions.join(), transactionHash, verifiedAt].join(' ');
}
