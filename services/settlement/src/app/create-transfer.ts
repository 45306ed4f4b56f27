/**
 * Creates a transfer and brings it as far as it comes at once, one for each idempotency key. It is recorded before anybody
 * is asked: when ledger or institution do not answer in time, the answer is that it is pending, and the worker goes on.
 */
import type {
  CallOutcome,
  CallRequest,
  createInstitutionTransfer,
  getInstitutionTransfer,
  institutionTransferView,
} from '@daybook/contracts';
import { assert } from '@daybook/core';
import type { PersonalData } from '@daybook/event-store';
import {
  advancedInTime,
  codeFrom,
  currentCorrelation,
  keyedDigests,
  uuidv7,
  type KeyedDigests,
  type Keyring,
  type Logger,
  type Wait,
} from '@daybook/runtime';
import type { z } from 'zod';
import {
  isRefused,
  mayBeRefused,
  summaryOf,
  type Transfer,
  type TransferState,
  type TransferSummary,
} from '../domain/bank-transfer';
import type { Institution } from '../domain/institutions';
import type { AdvanceDeps, AdvanceTransfer } from './advance-transfer';
import { openDescription, sealDescription, sealRecipient } from './details';
import { acknowledged } from './acknowledged';
import { institutionNumbered, settingsOf } from './institutions';
import { sortedFields } from './sorted-fields';
import { transferIdOf, transferStream, type Owner } from './transfer-streams';

type Request = CallRequest<typeof createInstitutionTransfer>;
type Answer = CallOutcome<typeof createInstitutionTransfer>;

export type CreateDeps = Pick<
  AdvanceDeps,
  'transfers' | 'institutions' | 'personalData' | 'sealer' | 'bankOf' | 'now'
> & {
  readonly secretsKeys: Keyring;
  readonly nextNumber: () => Promise<number>;
  readonly advance: AdvanceTransfer;
  readonly logger: Logger;
  readonly wait?: Wait;
};

export function createTransfer(deps: CreateDeps): (request: Request) => Promise<Answer> {
  const { transfers, institutions, personalData, now } = deps;

  const stateOf = async (transactionId: string) => (await transfers.load(transferStream(transactionId))).state;

  async function answerOf(transactionId: string, replayed: boolean): Promise<Answer> {
    let state = await advancedInTime({ ...deps, stateOf }, transactionId);
    if (state.stage !== 'none' && mayBeRefused(state))
      state = await acknowledged(deps, transfers, transferStream(transactionId), state);
    assert(state.stage !== 'none', 'the transfer that was created is there');
    if (isRefused(state)) return { ok: false, rejection: refusedBy(state.failure), ...(replayed ? { replayed } : {}) };
    return { ok: true, value: { transfer: await viewOf(personalData, state), replayed } };
  }

  return async (request) => {
    const { tenantId, mode, institutionNumber, currency, amount, recipient } = request;
    const at = now();
    const transactionId = codeFrom('TX', [tenantId, mode, 'transfer', request.idempotencyKey ?? uuidv7(at)]);
    const digests = digestsOf(deps.secretsKeys, request);

    const before = await stateOf(transactionId);
    if (before.stage !== 'none') {
      const isRepeat = [digests.current, ...digests.old].includes(before.contentDigest);
      if (!isRepeat) return { ok: false, rejection: 'idempotency_key_reused' };
      return answerOf(transactionId, true);
    }
    const institution = await institutionNumbered(institutions, request, institutionNumber);
    if (institution === undefined) return { ok: false, rejection: 'institution_not_found' };
    const refusal = refusalOf(deps, institution, request);
    if (refusal !== null) return { ok: false, rejection: refusal };

    const { institutionId, bank } = institution;
    const terms = {
      transactionId,
      transferId: transferIdOf(transactionId),
      number: await deps.nextNumber(),
      tenantId,
      mode,
      institutionId,
      institutionNumber,
      bank,
      userNumber: request.userNumber,
      asset: currency,
      amount,
      contentDigest: digests.current,
      encryptedDetails: await sealDescription(personalData, transactionId, request.description),
      encryptedRecipient: await sealRecipient(personalData, transactionId, recipient),
      createdAt: at.toISOString(),
    };
    // Concurrent repeats are commands of their own: the store lets one create the stream, the others find it.
    const context = { commandId: uuidv7(at), ...currentCorrelation(transactionId) };
    const create = { type: 'CreateTransfer', terms, oldDigests: digests.old } as const;
    const outcome = await transfers.handle(transferStream(transactionId), create, context);
    if (!outcome.ok) return { ok: false, rejection: 'idempotency_key_reused' };
    return answerOf(transactionId, outcome.events.length === 0);
  };
}

/** The ledger's own reasons are many, and most of them say that there is not enough to be had. */
function refusedBy(failure: string | null): 'account_frozen' | 'insufficient_balance' {
  return failure === 'account_frozen' ? failure : 'insufficient_balance';
}

function refusalOf(deps: CreateDeps, institution: Institution, { currency, recipient }: Request) {
  if (!institution.enabled) return 'institution_disabled';
  if (!institution.currencies.includes(currency)) return 'currency_not_supported';
  const bank = deps.bankOf(institution.institutionId, settingsOf(deps.sealer, institution));
  return bank.problemWith(recipient);
}

/** A recipient is in it, so it is keyed. */
function digestsOf(keys: Keyring, request: Request): KeyedDigests {
  const { institutionNumber, currency, amount, description, recipient } = request;
  const content = [institutionNumber, currency, amount.toString(), description, sortedFields(recipient)];
  return keyedDigests(keys, 'transfer', content);
}

export function getTransfer({ transfers, personalData }: Pick<CreateDeps, 'transfers' | 'personalData'>) {
  return async ({
    transactionId,
    ...owner
  }: CallRequest<typeof getInstitutionTransfer>): Promise<CallOutcome<typeof getInstitutionTransfer>> => {
    const transfer = ownTransfer((await transfers.load(transferStream(transactionId))).state, owner);
    if (transfer === undefined) return { ok: false, rejection: 'transfer_not_found' };
    return { ok: true, value: { transfer: await viewOf(personalData, transfer) } };
  };
}

/** Another's transfer is none. */
export function ownTransfer(state: TransferState, { tenantId, mode }: Owner): Transfer | undefined {
  return state.stage !== 'none' && state.tenantId === tenantId && state.mode === mode ? state : undefined;
}

/** A transfer as its owner sees it, field by field: what is not named here stays inside. */
export async function viewOf(
  personalData: PersonalData,
  transfer: Transfer,
): Promise<z.output<typeof institutionTransferView>> {
  const summary: TransferSummary = summaryOf(transfer);
  return {
    transactionId: summary.transactionId,
    transferId: summary.transferId,
    number: summary.number,
    institutionNumber: summary.institutionNumber,
    userNumber: summary.userNumber,
    bank: summary.bank,
    asset: summary.asset,
    amount: summary.amount,
    description: await openDescription(personalData, summary),
    status: summary.status,
    failure: summary.failure,
    exceptions: [...summary.exceptions],
    institutionReference: summary.reference,
    createdAt: summary.createdAt,
    updatedAt: summary.updatedAt,
  };
}
