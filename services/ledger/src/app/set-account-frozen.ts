import { setAccountFrozen as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { refusalOf, type Books } from './books';

export function setAccountFrozen(books: Books) {
  return async ({ mode, accountId, frozen, actor }: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> => {
    const outcome = await books.of(mode).submit({ type: 'SetAccountFrozen', accountId, frozen, actor });
    return outcome.ok ? { ok: true, value: {} } : refusalOf(call, outcome.rejection);
  };
}
