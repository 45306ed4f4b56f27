import type { TransferStore } from '../ports';
import { transferStream } from './transfer-streams';

/** The journal has what an institution paid out, or its return. Ids and time come from the message: who handles it again writes the same. */
export function bookTransfer(transfers: Pick<TransferStore, 'handle'>) {
  return async (
    transactionId: string,
    what: 'payout' | 'return',
    ledgerReference: string,
    message: { readonly id: string; readonly occurredAt: string; readonly correlationId: string },
  ): Promise<void> => {
    const { id, occurredAt: at, correlationId } = message;
    const command = { type: 'RecordBooked', what, ledgerReference, at } as const;
    const context = { commandId: id, correlationId, causationId: id };
    const outcome = await transfers.handle(transferStream(transactionId), command, context);
    if (!outcome.ok) throw new Error(`transfer ${transactionId} is in the journal: ${outcome.rejection}`);
  };
}

export type BookTransfer = ReturnType<typeof bookTransfer>;
