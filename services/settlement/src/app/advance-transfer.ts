/**
 * Brings a transfer as far as it comes now: the amount is held, then the institution is told, then it is asked, and what it
 * refuses is released. The request that made the transfer, the worker and the sandbox all come here. Nothing is assumed:
 * what does not answer is asked again, in the same words, by whoever comes next, and two who ask at once find each other's
 * record.
 */
import type { CallRequest, operateBook } from '@daybook/contracts';
import { assert, OperationalError } from '@daybook/core';
import type { PersonalData } from '@daybook/event-store';
import { uuidv7, type Clock, type Sealer } from '@daybook/runtime';
import type { Bank, BankOf, InstitutionStore, OperateBook, TransferOrder, TransferStore } from '../ports';
import type { Transfer, TransferCommand, TransferState } from '../domain/bank-transfer';
import { holdIdOf, holdNameOf } from '../domain/transfer-hold';
import { openDescription, openRecipient } from './details';
import type { ArePayoutsStopped } from './payouts';
import { institutionNumbered, settingsOf } from './institutions';
import { transferStream } from './transfer-streams';

export type AdvanceDeps = {
  readonly transfers: TransferStore;
  readonly institutions: InstitutionStore;
  readonly personalData: PersonalData;
  readonly sealer: Sealer;
  readonly operateBook: OperateBook;
  readonly bankOf: BankOf;
  readonly arePayoutsStopped: ArePayoutsStopped;
  readonly now: Clock;
};

/** Throws OperationalError when ledger or institution did not answer. */
export type AdvanceTransfer = (transactionId: string) => Promise<TransferState>;

export function advanceTransfer(deps: AdvanceDeps): AdvanceTransfer {
  const { transfers, now } = deps;

  async function record(transactionId: string, command: TransferCommand): Promise<TransferState> {
    const commandId = uuidv7(now());
    const context = { commandId, correlationId: transactionId, causationId: commandId };
    const outcome = await transfers.handle(transferStream(transactionId), command, context);
    if (!outcome.ok) throw new Error(`${command.type} for transfer ${transactionId}: ${outcome.rejection}`);
    return outcome.state;
  }

  const operate = ({ mode }: Transfer, operation: CallRequest<typeof operateBook>['operation']) =>
    deps.operateBook({ mode, tenantId: null, actor: 'settlement', dryRun: false, operation });

  async function hold(transfer: Transfer): Promise<TransferState> {
    const { transactionId, tenantId, asset, amount } = transfer;
    const outcome = await operate(transfer, {
      type: 'hold',
      holdId: holdNameOf(transactionId),
      accountId: `merchant:${tenantId}:${asset}`,
      asset,
      amount,
      // The bank may take its time: only its answer ends the hold.
      expiresAt: null,
      metadata: { transaction_id: transactionId },
    });
    const at = now().toISOString();
    if (outcome.ok) return record(transactionId, { type: 'RecordHeld', at });
    // A tenant that was never paid has no account.
    const reason = outcome.rejection === 'account_not_found' ? 'insufficient_balance' : outcome.rejection;
    return record(transactionId, { type: 'RecordRefused', reason, at });
  }

  async function observe(transfer: Transfer): Promise<TransferState> {
    const bank = await bankOfTransfer(deps, transfer);
    const isTold = transfer.stage !== 'held';
    const observation = isTold ? await bank.observe(transfer) : await bank.send(await orderOf(deps, transfer));
    return record(transfer.transactionId, { type: 'RecordObserved', observation, at: now().toISOString() });
  }

  async function release(transfer: Transfer): Promise<TransferState> {
    const { transactionId } = transfer;
    const releaseId = `${holdNameOf(transactionId)}:release`;
    const outcome = await operate(transfer, { type: 'release', releaseId, holdId: holdIdOf(transactionId) });
    // Closed by an operator, or by the ledger when it was told that the transfer has failed, it is as free.
    if (!outcome.ok && outcome.rejection !== 'hold_closed')
      throw new OperationalError('upstream_unavailable', false, { detail: `ledger: release: ${outcome.rejection}` });
    return record(transactionId, { type: 'RecordReleased', at: now().toISOString() });
  }

  return async (transactionId) => {
    let { state } = await transfers.load(transferStream(transactionId));
    if (state.stage === 'created') state = await hold(state);
    if (state.stage === 'none' || !state.wasHeld) return state;
    // No bank was told of it, and none is told now. A bank that was told is asked on.
    if (state.stage === 'held' && (await deps.arePayoutsStopped(state.mode))) return state;
    if (state.stage !== 'releasing') state = await observe(state);
    return state.stage === 'releasing' ? release(state) : state;
  };
}

async function bankOfTransfer(deps: AdvanceDeps, transfer: Transfer): Promise<Bank> {
  const institution = await institutionNumbered(deps.institutions, transfer, transfer.institutionNumber);
  assert(institution?.institutionId === transfer.institutionId, 'the institution of a transfer is there');
  return deps.bankOf(institution.institutionId, settingsOf(deps.sealer, institution));
}

async function orderOf({ personalData }: AdvanceDeps, transfer: Transfer): Promise<TransferOrder> {
  const { transferId, transactionId, asset: currency, amount, createdAt } = transfer;
  const recipient = await openRecipient(personalData, transfer);
  if (recipient === null) throw new Error(`the recipient of transfer ${transactionId} was erased before it was paid`);
  const description = await openDescription(personalData, transfer);
  return { transferId, transactionId, currency, amount, description, recipient, createdAt };
}
