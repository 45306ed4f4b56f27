import type { Services } from '../../ports';
import type { Route } from '../route';
import { ledgerAccountRoutes } from './ledger-accounts';
import { ledgerHoldRoutes } from './ledger-holds';
import { ledgerJournalRoutes } from './ledger-journal';
import { lineageRoute } from './ledger-lineage';
import { ledgerOperationRoutes } from './ledger-operations';
import { ledgerReportRoutes } from './ledger-reports';
import { ledgerTransactionRoutes } from './ledger-transactions';

/** The ledger's own API. */
export function ledgerRoutes(deps: {
  readonly services: Pick<Services, 'ledger' | 'intents' | 'settlement'>;
}): Route[] {
  return [
    ...ledgerAccountRoutes(deps),
    ...ledgerTransactionRoutes(deps),
    ...ledgerJournalRoutes(deps),
    ...ledgerHoldRoutes(deps),
    ...ledgerReportRoutes(deps),
    lineageRoute(deps),
    ...ledgerOperationRoutes(deps),
  ];
}
