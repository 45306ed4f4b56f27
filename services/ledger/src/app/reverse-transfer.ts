import { reverseTransfer as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { refusalOf, type Books } from './books';

export function reverseTransfer(books: Books) {
  return async ({ mode, transferId, actor }: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const outcome = await books.of(mode).submit({ type: 'ReverseTransfer', transferId, actor });
    if (!outcome.ok) return refusalOf(call, outcome.rejection);
    return { ok: true, value: { transferId, ledgerReference: outcome.reference } };
  };
}
