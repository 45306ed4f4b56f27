import { reverseTransfer as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { contentHashOf, refusalOf, type Books } from './books';

export function reverseTransfer(books: Books) {
  return async (request: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const { mode, reversalId, transferId, actor } = request;
    // The actor is not a part of the content: a colleague who repeats a request repeats the same decision.
    const contentHash = contentHashOf({ type: 'ReverseTransfer', transferId });
    const command = { type: 'ReverseTransfer', reversalId, contentHash, transferId, actor } as const;
    const outcome = await books.of(mode).submit(command);
    if (!outcome.ok) return refusalOf(call, outcome.rejection, outcome.replayed);
    return { ok: true, value: { transferId, ledgerReference: outcome.reference, replayed: outcome.replayed } };
  };
}
