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

/** What was last told of an intent, as texts that only this file reads. */
export type Told = { readonly exceptions: readonly string[]; readonly shown: string };

/** Port: keeps what is told now, in the transaction that claims the message, and returns what was told before. */
export type ReplaceTold = (tx: Tx, intentId: string, told: Told) => Promise<Told | undefined>;

export function intentsConsumer(deps: ScheduleDeps, replaceTold: ReplaceTold): Subscription {
  return {
    group: 'notifications.intents',
    topic: intentStatusChanged.topic,
    handlers: [
      on(intentStatusChanged, async (tx, { id, data, streamVersion, correlationId }) => {
        const told = await rememberTold(tx, data, replaceTold);
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
async function rememberTold(
  tx: Tx,
  { intentId, ...intent }: IntentFact,
  replaceTold: ReplaceTold,
): Promise<{ changed: boolean; newExceptions: boolean }> {
  const shown = shownOf(intent);
  const before = await replaceTold(tx, intentId, { exceptions: intent.exceptions, shown });
  const known = before?.exceptions ?? [];
  return { changed: before?.shown !== shown, newExceptions: intent.exceptions.some((each) => !known.includes(each)) };
}

type Shown = Omit<IntentFact, 'intentId'>;

function shownOf({ status, amountReceived, amountRefundable, exceptions, transactionHash, verifiedAt }: Shown): string {
  return [status, amountReceived, amountRefundable, exceptions.join(), transactionHash, verifiedAt].join(' ');
}
