/**
 * The registry: a pass for every table of the ledger's projections. A table without one fails the build; to add one,
 * say here which rows the journal makes, written from the events and not from the projection's code.
 */
import { accountsPass } from './passes/accounts';
import { auditPasses } from './passes/audit';
import { holdDetailsPass, holdsPass } from './passes/holds';
import { entriesPass, transactionsPass } from './passes/transactions';
import { transfersPass } from './passes/transfers';
import type { TablePass } from './table-pass';

export const tablePasses: readonly TablePass[] = [
  accountsPass,
  transfersPass,
  transactionsPass,
  entriesPass,
  holdsPass,
  holdDetailsPass,
  ...auditPasses,
];
