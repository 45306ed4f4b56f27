import {
  addInstitution,
  createInstitutionTransfer,
  getInstitutionTransfer,
  listInstitutions,
  listStatementLines,
  receiveStatement,
  setInstitutionEnabled,
  simulateInstitutionTransfer,
} from '@daybook/contracts';
import { callRoutes, onCall } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import type { Router } from 'express';
import type { BankTransfersApp } from '../app/bank-transfers';

/** What other services may ask of transfers through institutions. */
export function transferCalls(tokens: readonly Secret[], app: BankTransfersApp): Router {
  return callRoutes(tokens, [
    onCall(addInstitution, app.addInstitution),
    onCall(setInstitutionEnabled, app.setInstitutionEnabled),
    onCall(listInstitutions, app.listInstitutions),
    onCall(createInstitutionTransfer, app.createInstitutionTransfer),
    onCall(getInstitutionTransfer, app.getInstitutionTransfer),
    onCall(simulateInstitutionTransfer, app.simulateInstitutionTransfer),
    onCall(receiveStatement, app.receiveStatement),
    onCall(listStatementLines, app.listStatementLines),
  ]);
}
