import { getTransactionProof, listSigningKeys, planExport, readExport } from '@daybook/contracts';
import { callRoutes, onCall } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import type { PublicKey } from '@daybook/proof';
import type { Router } from 'express';
import { planJournalExport, readJournalExport } from '../app/journal-export';
import { listKeys, proveTransaction, type ProofDeps } from '../app/proofs';

/** What other services may ask about proofs. */
export function proofCalls(token: Secret, deps: ProofDeps, signer: PublicKey | null): Router {
  return callRoutes(token, [
    onCall(getTransactionProof, proveTransaction(deps)),
    onCall(listSigningKeys, listKeys(deps, signer)),
    onCall(planExport, planJournalExport(deps)),
    onCall(readExport, readJournalExport(deps)),
  ]);
}
