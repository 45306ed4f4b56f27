import {
  getBalanceAsOf,
  getLineage,
  getStatement,
  getTrialBalance,
  listDailyBalances,
  listEntries,
  listHolds,
  listRejections,
  searchTransactions,
} from '@daybook/contracts';
import { callRoutes, onCall } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import type { Router } from 'express';
import { balanceAsOf, dailyBalances, statement, trialBalance, type AuditBalances } from '../app/audit-balances';
import {
  entriesPage,
  holdsPage,
  lineagePage,
  rejectionsPage,
  transactionsPage,
  type AuditLists,
} from '../app/audit-lists';

/** What operations and auditors ask of the read models. `fresh` waits until these show what was answered before. */
export function auditCalls(
  tokens: readonly Secret[],
  { balances, lists, fresh }: { balances: AuditBalances; lists: AuditLists; fresh(): Promise<void> },
): Router {
  const after =
    <Request, Outcome>(answer: (request: Request) => Promise<Outcome>) =>
    async (request: Request): Promise<Outcome> => {
      await fresh();
      return answer(request);
    };
  return callRoutes(tokens, [
    onCall(getBalanceAsOf, after(balanceAsOf(balances))),
    onCall(getTrialBalance, after(trialBalance(balances))),
    onCall(listDailyBalances, after(dailyBalances(balances))),
    onCall(getStatement, after(statement(balances))),
    onCall(listEntries, after(entriesPage(lists))),
    onCall(searchTransactions, after(transactionsPage(lists))),
    onCall(getLineage, after(lineagePage(lists))),
    onCall(listHolds, after(holdsPage(lists))),
    onCall(listRejections, after(rejectionsPage(lists))),
  ]);
}
