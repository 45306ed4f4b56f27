import { issueFunds as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { contentHashOf, refusalOf, type Books } from './books';

export function issueFunds(books: Books) {
  return async (request: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const { mode, transactionId, accountId, asset, amount } = request;
    const contentHash = contentHashOf({ type: 'IssueFunds', accountId, asset, amount });
    const command = { type: 'IssueFunds', transactionId, contentHash, accountId, asset, amount } as const;
    const outcome = await books.of(mode).submit(command);
    if (!outcome.ok) return refusalOf(call, outcome.rejection, outcome.replayed);
    return { ok: true, value: { transactionId, ledgerReference: outcome.reference, postedAt: outcome.at } };
  };
}
