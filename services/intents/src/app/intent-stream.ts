import type { IntentCommand } from '../domain/payment-intent';
import type { IntentStore } from '../ports';

export const streamOf = (intentId: string) => `intent-${intentId}`;

/**
 * Records a fact that another service published. A refusal means that the fact contradicts the intent's history: it is
 * thrown, so that the message is set aside with its cause and nothing is lost.
 */
export async function recordFact(
  intents: IntentStore,
  intentId: string,
  command: Exclude<IntentCommand, { type: 'CreateIntent' }>,
  message: { readonly id: string; readonly correlationId: string },
): Promise<void> {
  const outcome = await intents.handle(streamOf(intentId), command, {
    commandId: message.id,
    correlationId: message.correlationId,
    causationId: message.id,
  });
  if (!outcome.ok) throw new Error(`${command.type} for intent ${intentId}: ${outcome.rejection}`);
}
