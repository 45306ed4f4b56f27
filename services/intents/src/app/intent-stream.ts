import { uuidv7 } from '@daybook/runtime';
import type { IntentCommand } from '../domain/payment-intent';
import type { IntentStore } from '../ports';

export const streamOf = (intentId: string) => `intent-${intentId}`;

type WithoutTime<Command> = Command extends unknown ? Omit<Command, 'at'> : never;
type FactCommand = WithoutTime<Exclude<IntentCommand, { type: 'CreateIntent' | 'ExpireIntent' }>>;

/**
 * Records a fact that another service published. A refusal means that the fact contradicts the intent's history: it is
 * thrown, so that the message is set aside with its cause and nothing is lost. Its time is the message's.
 */
export async function recordFact(
  intents: IntentStore,
  intentId: string,
  fact: FactCommand,
  message: { readonly id: string; readonly occurredAt: string; readonly correlationId: string },
): Promise<void> {
  const command = { ...fact, at: message.occurredAt };
  const outcome = await intents.handle(streamOf(intentId), command, {
    // Of its own: the tenant's policy may be another when it is handled again. Of two at once the second finds it done.
    commandId: uuidv7(),
    correlationId: message.correlationId,
    causationId: message.id,
  });
  if (!outcome.ok) throw new Error(`${command.type} for intent ${intentId}: ${outcome.rejection}`);
}
