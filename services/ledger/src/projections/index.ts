/**
 * The read models of the ledger. All of them follow the books under one checkpoint, so that they show the same moment;
 * the order matters where one looks at the rows of another.
 */
import type { TableProjection } from '@daybook/event-store';
import type { SealedEvent } from '../adapters/stored-events';
import { accountChangesProjection } from './account-changes';
import { accountsProjection } from './accounts';
import { closedPeriodsProjection } from './closed-periods';
import { entriesProjection } from './entries';
import { holdsProjection } from './holds';
import { lateEntriesProjection } from './late-entries';
import { rejectionsProjection } from './rejections';
import { transactionDetailsProjection } from './transaction-details';
import { transactionsProjection } from './transactions';
import { transfersProjection } from './transfers';
import { watermarksProjection } from './watermarks';

export const ledgerProjections: readonly TableProjection<SealedEvent>[] = [
  accountsProjection,
  accountChangesProjection,
  transfersProjection,
  // Takes the balances that `accounts` has just changed.
  entriesProjection,
  transactionsProjection,
  lateEntriesProjection,
  transactionDetailsProjection,
  holdsProjection,
  rejectionsProjection,
  closedPeriodsProjection,
  watermarksProjection,
];
