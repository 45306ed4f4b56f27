import type { SendStore } from '../ports';
import { sendStream } from './send-streams';

/** The journal has a send. Ids and time come from the message, so two that handle it write the same. */
export function bookSend(sends: SendStore) {
  return async (
    transactionId: string,
    ledgerReference: string,
    message: { readonly id: string; readonly occurredAt: string; readonly correlationId: string },
  ): Promise<void> => {
    const outcome = await sends.handle(
      sendStream(transactionId),
      { type: 'RecordBooked', ledgerReference, at: message.occurredAt },
      { commandId: message.id, correlationId: message.correlationId, causationId: message.id },
    );
    if (!outcome.ok) throw new Error(`send ${transactionId} is in the journal: ${outcome.rejection}`);
  };
}

export type BookSend = ReturnType<typeof bookSend>;
