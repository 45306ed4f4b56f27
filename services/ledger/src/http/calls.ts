import {
  acceptTransfer,
  cancelJob,
  getBalance,
  getJob,
  getTransfer,
  issueFunds,
  listAccounts,
  listJobs,
  listTransactions,
  listTransfers,
  openAccount,
  reverseTransfer,
  setAccountFrozen,
  startJob,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { callRoutes, FailureError, onCall } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import type { Router } from 'express';
import type { JobCalls } from '../app/job-calls';

type Answer<Call> = (request: CallRequest<Call>) => Promise<CallOutcome<Call>>;

export type LedgerCalls = JobCalls & {
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
export function ledgerCalls(tokens: readonly Secret[], app: LedgerCalls): Router {
  return callRoutes(tokens, [
    onCall(openAccount, checked(app.openAccount)),
    onCall(issueFunds, checked(app.issueFunds)),
    onCall(acceptTransfer, checked(app.acceptTransfer)),
    onCall(getTransfer, checked(app.getTransfer)),
    onCall(listTransfers, checked(app.listTransfers)),
    onCall(reverseTransfer, checked(app.reverseTransfer)),
    onCall(getBalance, checked(app.getBalance)),
    onCall(listAccounts, checked(app.listAccounts)),
    onCall(setAccountFrozen, checked(app.setAccountFrozen)),
    onCall(listTransactions, checked(app.listTransactions)),
    onCall(startJob, checked(app.startJob)),
    onCall(getJob, checked(app.getJob)),
    onCall(listJobs, checked(app.listJobs)),
    onCall(cancelJob, checked(app.cancelJob)),
  ]);
}

/** Text that an event could hold and a table could not, or not as it is: null characters and lone surrogates. */
const unstorable = /\0|\p{Surrogate}/u;

/** Refuses what every call's schema lets through and no book may take: an amount of nothing, and unstorable text. */
function checked<Request extends object, Outcome>(answer: (request: Request) => Promise<Outcome>) {
  return async (request: Request): Promise<Outcome> => {
    for (const [field, value] of Object.entries(request) as [string, unknown][]) {
      if (field === 'amount' && value === 0n) throw invalid(field, 'must be greater than zero');
      if (typeof value === 'string' && unstorable.test(value))
        throw invalid(field, 'must be valid Unicode without null characters');
    }
    return answer(request);
  };
}

function invalid(field: string, problem: string): FailureError {
  return new FailureError({ status: 400, code: 'INVALID_REQUEST', message: `${field}: ${problem}`, field });
}
