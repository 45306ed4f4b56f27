import type { PaymentStore } from '../ports';
import { paymentStream } from './ask-provider';

/** The journal has the money of a payment. Ids and time come from the message, so two that handle it write the same. */
export function bookPayment(payments: PaymentStore) {
  return async (
    transactionId: string,
    ledgerReference: string,
    message: { readonly id: string; readonly occurredAt: string; readonly correlationId: string },
  ): Promise<void> => {
    const outcome = await payments.handle(
      paymentStream(transactionId),
      { type: 'RecordBooked', ledgerReference, at: message.occurredAt },
      { commandId: message.id, correlationId: message.correlationId, causationId: message.id },
    );
    if (!outcome.ok) throw new Error(`payment ${transactionId} is in the journal: ${outcome.rejection}`);
  };
}
