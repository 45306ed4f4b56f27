import { getLedgerStatus, getTransactionProof, listSigningKeys, planExport, readExport } from '@daybook/contracts';
import { callRoutes, onCall } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import type { PublicKey } from '@daybook/proof';
import type { Router } from 'express';
import { planJournalExport, readJournalExport } from '../app/journal-export';
import { listKeys, proveTransaction, type ProofDeps } from '../app/proofs';
import type { ledgerStatus } from '../app/status';

export type ProofCallsDeps = ProofDeps & {
  /** Of the key that signs checkpoints, or null. */
  readonly signer: PublicKey | null;
  readonly status: ReturnType<typeof ledgerStatus>;
};

/** What other services may ask about proofs, and how far the books are. */
export function proofCalls(tokens: readonly Secret[], deps: ProofCallsDeps): Router {
  const { signer, status } = deps;
  return callRoutes(tokens, [
    onCall(getTransactionProof, proveTransaction(deps)),
    onCall(listSigningKeys, listKeys(deps, signer)),
    onCall(planExport, planJournalExport(deps)),
    onCall(readExport, readJournalExport(deps)),
    onCall(getLedgerStatus, status),
  ]);
}
