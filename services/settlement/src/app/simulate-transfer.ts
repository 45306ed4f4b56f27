import type { CallOutcome, CallRequest, simulateInstitutionTransfer } from '@daybook/contracts';
import { assert } from '@daybook/core';
import type { PersonalData } from '@daybook/event-store';
import type { TransferStore } from '../ports';
import type { AdvanceTransfer } from './advance-transfer';
import { ownTransfer, viewOf } from './create-transfer';
import { transferStream } from './transfer-streams';

type Request = CallRequest<typeof simulateInstitutionTransfer>;
type Answer = CallOutcome<typeof simulateInstitutionTransfer>;

/** Tells the sandbox bank what to do with a transfer, and asks it what came of it. */
export function simulateTransfer(deps: {
  readonly transfers: TransferStore;
  readonly personalData: PersonalData;
  readonly advance: AdvanceTransfer;
  /** Answers whether the bank's decision is this one now. */
  readonly decide: (transferId: string, outcome: Request['outcome']) => Promise<boolean>;
}): (request: Request) => Promise<Answer> {
  return async ({ transactionId, outcome, ...owner }) => {
    const { state } = await deps.transfers.load(transferStream(transactionId));
    const transfer = ownTransfer(state, owner);
    if (transfer === undefined) return { ok: false, rejection: 'transfer_not_found' };
    if (transfer.bank !== 'sandbox') return { ok: false, rejection: 'transfer_not_simulated' };
    // The bank may not have been told yet.
    if (transfer.stage === 'created' || transfer.stage === 'held') await deps.advance(transactionId);
    if (!(await deps.decide(transfer.transferId, outcome)))
      return { ok: false, rejection: 'transfer_decided_otherwise' };
    const decided = await deps.advance(transactionId);
    assert(decided.stage !== 'none', 'the transfer that was decided is there');
    return { ok: true, value: { transfer: await viewOf(deps.personalData, decided) } };
  };
}
