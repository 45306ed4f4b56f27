import type { IntentCommand } from '../domain/payment-intent';
import type { IntentStore } from '../ports';

export const streamOf = (intentId: string) => `intent-${intentId}`;

type WithoutTime<Command> = Command extends unknown ? Omit<Command, 'at'> : never;
type FactCommand = WithoutTime<Exclude<IntentCommand, { type: 'CreateIntent' | 'ExpireIntent' }>>;

/**
 * Records a fact that another service published. A refusal means that the fact contradicts the intent's history: it is
 * thrown, so that the message is set aside with its cause and nothing is lost. Ids and time come from the message, so
 * two that handle it at once write the same events.
 */
export async function recordFact(
  intents: IntentStore,
  intentId: string,
  fact: FactCommand,
  message: { readonly id: string; readonly occurredAt: string; readonly correlationId: string },
): Promise<void> {
  const command = { ...fact, at: message.occurredAt };
  const outcome = await intents.handle(streamOf(intentId), command, {
    commandId: message.id,
    correlationId: message.correlationId,
    causationId: message.id,
  });
  if (!outcome.ok) throw new Error(`${command.type} for intent ${intentId}: ${outcome.rejection}`);
}
