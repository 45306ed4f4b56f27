import {
  acceptTransfer,
  getBalance,
  getTransfer,
  issueFunds,
  listAccounts,
  listTransactions,
  listTransfers,
  openAccount,
  reverseTransfer,
  setAccountFrozen,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { callRoutes, FailureError, onCall } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import type { Router } from 'express';

type Answer<Call> = (request: CallRequest<Call>) => Promise<CallOutcome<Call>>;

export type LedgerCalls = {
  readonly openAccount: Answer<typeof openAccount>;
  readonly issueFunds: Answer<typeof issueFunds>;
  readonly acceptTransfer: Answer<typeof acceptTransfer>;
  readonly getTransfer: Answer<typeof getTransfer>;
  readonly listTransfers: Answer<typeof listTransfers>;
  readonly reverseTransfer: Answer<typeof reverseTransfer>;
  readonly getBalance: Answer<typeof getBalance>;
  readonly listAccounts: Answer<typeof listAccounts>;
  readonly setAccountFrozen: Answer<typeof setAccountFrozen>;
  readonly listTransactions: Answer<typeof listTransactions>;
};

/** What other services may ask of this one. */
export function ledgerCalls(token: Secret, app: LedgerCalls): Router {
  return callRoutes(token, [
    onCall(openAccount, app.openAccount),
    onCall(issueFunds, positive(app.issueFunds)),
    onCall(acceptTransfer, positive(app.acceptTransfer)),
    onCall(getTransfer, app.getTransfer),
    onCall(listTransfers, app.listTransfers),
    onCall(reverseTransfer, app.reverseTransfer),
    onCall(getBalance, app.getBalance),
    onCall(listAccounts, app.listAccounts),
    onCall(setAccountFrozen, app.setAccountFrozen),
    onCall(listTransactions, app.listTransactions),
  ]);
}

/** Nothing is not an amount to move; the contract's type for amounts includes it. */
function positive<Request extends { readonly amount: bigint }, Outcome>(
  answer: (request: Request) => Promise<Outcome>,
) {
  return async (request: Request): Promise<Outcome> => {
    if (request.amount > 0n) return answer(request);
    const message = 'amount: must be greater than zero';
    throw new FailureError({ status: 400, code: 'INVALID_REQUEST', message, field: 'amount' });
  };
}
