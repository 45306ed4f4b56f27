import { getBalance as call, type CallOutcome, type CallRequest } from '@daybook/contracts';
import { availableOf, type Account } from '../domain/account';
import { refusalOf, type Books } from './books';

/** A strong read: what it shows includes every command answered before it. */
export function getBalance(books: Books) {
  return async ({ mode, tenantId, accountId }: CallRequest<typeof call>): Promise<CallOutcome<typeof call>> =>
    books.of(mode).read((state) => {
      const account = state.accounts.get(accountId);
      if (account === undefined || (tenantId !== null && account.tenantId !== tenantId))
        return refusalOf(call, 'account_not_found');
      return { ok: true, value: viewOf(account) };
    });
}

function viewOf(account: Account) {
  const { accountId, asset, accountType: type, posted, held, incoming, frozen, updatedAt } = account;
  return { accountId, asset, type, posted, held, available: availableOf(account), incoming, frozen, updatedAt };
}
