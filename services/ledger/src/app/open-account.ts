import { openAccount as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { refusalOf, type Books } from './books';

export function openAccount(books: Books) {
  return async (request: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const { mode, accountId, tenantId, asset, type: accountType, floor } = request;
    const outcome = await books
      .of(mode)
      .submit({ type: 'OpenAccount', accountId, tenantId, asset, accountType, floor });
    if (!outcome.ok) return refusalOf(call, outcome.rejection);
    return { ok: true, value: { accountId, openedAt: outcome.at } };
  };
}
