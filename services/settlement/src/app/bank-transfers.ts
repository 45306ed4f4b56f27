/** Transfers through institutions, joined: what other services may ask for, and the pass that asks ledger and banks. */
import type { TransferChecks } from '../ports';
import { advanceTransfer, type AdvanceDeps } from './advance-transfer';
import { checkTransfers } from './check-transfers';
import { createTransfer, getTransfer, type CreateDeps } from './create-transfer';
import { institutionCalls, type InstitutionDeps } from './institutions';
import { simulateTransfer } from './simulate-transfer';
import { statementCalls, type StatementDeps } from './statements';

export type BankTransferDeps = AdvanceDeps &
  InstitutionDeps &
  StatementDeps &
  Omit<CreateDeps, 'advance'> & {
    readonly decideSandboxTransfer: Parameters<typeof simulateTransfer>[0]['decide'];
    readonly checks: TransferChecks;
  };

export function bankTransfersApp(deps: BankTransferDeps) {
  const advance = advanceTransfer(deps);
  return {
    ...institutionCalls(deps),
    ...statementCalls(deps),
    createInstitutionTransfer: createTransfer({ ...deps, advance }),
    getInstitutionTransfer: getTransfer(deps),
    simulateInstitutionTransfer: simulateTransfer({ ...deps, advance, decide: deps.decideSandboxTransfer }),
    checkTransfers: checkTransfers({ ...deps, advance }),
  };
}

export type BankTransfersApp = ReturnType<typeof bankTransfersApp>;
