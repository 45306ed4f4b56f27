/** What the ledger's generations of read models are made of: for the service, for replays and for checks. */
import type { GenerationPlan } from '@daybook/event-store';
import { ledgerProjections } from '.';
import { ledgerViews } from './audit-views';

export const ledgerReadModels = {
  schema: 'ledger',
  projections: ledgerProjections,
  views: ledgerViews,
} satisfies GenerationPlan;
