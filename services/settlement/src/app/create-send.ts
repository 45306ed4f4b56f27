/**
 * Creates a send, once per idempotency key, and brings it as far as it goes at once. What can be refused before anything is
 * recorded is refused then; the ledger's and the signer's no are recorded, so that a repeat is told the same.
 */
import type { CallOutcome, CallRequest, createSend as createSendCall } from '@daybook/contracts';
import { assert, OperationalError } from '@daybook/core';
import type { PersonalData } from '@daybook/event-store';
import {
  advancedInTime,
  codeFrom,
  currentCorrelation,
  inTime,
  keyedDigests,
  sha256Hex,
  uuidv7,
  type KeyedDigests,
  type Keyring,
  type Wait,
} from '@daybook/runtime';
import { isRefused, mayBeRefused, type ChainSendTerms, type SendFailure } from '../domain/send-state';
import { takenBut } from '../domain/wallet';
import type { SendChain } from '../ports';
import { acknowledged } from './acknowledged';
import type { AdvanceSend } from './advance-send';
import { failureOf, type AdvanceDeps } from './send-steps';
import { sendStream, walletStream } from './send-streams';
import { sealDescription } from './details';
import { viewOfSend } from './send-view';
import type { OpenWallet } from './wallets';

type Request = CallRequest<typeof createSendCall>;
type Answer = CallOutcome<typeof createSendCall>;
type Rejection = (typeof createSendCall)['rejections'][number];

/** What is held for fees, of what the first transaction may cost: room to replace it with a higher fee. */
const feeRoom = 2n;

/** Failures that were the answer to the request. What became of a send afterwards is told as the send's state. */
const refusals: Readonly<Partial<Record<SendFailure, Rejection>>> = {
  insufficient_balance: 'insufficient_balance',
  account_frozen: 'account_frozen',
  wallet_funds_insufficient: 'wallet_funds_insufficient',
  fee_too_high: 'limit_exceeded',
  not_payable: 'address_invalid',
  signer_refused: 'limit_exceeded',
};

export type CreateDeps = Pick<AdvanceDeps, 'sends' | 'wallets' | 'now' | 'logger'> & {
  /** The chain that an asset is sent on in a mode. */
  readonly chainFor: (asset: Request['asset'], mode: Request['mode']) => SendChain | undefined;
  readonly openWallet: OpenWallet;
  readonly secretsKeys: Keyring;
  readonly personalData: PersonalData;
  readonly nextNumber: () => Promise<number>;
  readonly advance: AdvanceSend;
  readonly wait?: Wait;
};

export function createSend(deps: CreateDeps): (request: Request) => Promise<Answer> {
  const { sends, personalData, now } = deps;

  const stateOf = async (transactionId: string) => (await sends.load(sendStream(transactionId))).state;

  async function answerOf(transactionId: string, replayed: boolean): Promise<Answer> {
    let state = await advancedInTime({ ...deps, stateOf }, transactionId);
    if (state.stage !== 'none' && mayBeRefused(state))
      state = await acknowledged(deps, sends, sendStream(transactionId), state);
    assert(state.stage !== 'none', 'the send that was created is there');
    if (isRefused(state)) {
      const rejection = state.failure === null ? undefined : refusals[state.failure];
      assert(rejection !== undefined, 'what is refused says why');
      return { ok: false, rejection, ...(replayed ? { replayed } : {}) };
    }
    return { ok: true, value: { send: await viewOfSend(personalData, state), replayed } };
  }

  return async (request) => {
    const { tenantId, mode, idempotencyKey } = request;
    const at = now();
    const transactionId = codeFrom('TX', [tenantId, mode, 'send', idempotencyKey ?? uuidv7(at)]);
    const digests = digestsOf(deps.secretsKeys, request);
    const before = await stateOf(transactionId);
    if (before.stage !== 'none') {
      const isRepeat = [digests.current, ...digests.old].includes(before.contentHash);
      if (!isRepeat) return { ok: false, rejection: 'idempotency_key_reused' };
      return answerOf(transactionId, true);
    }
    const planned = await inTime(plan(deps, request, transactionId), deps.wait);
    // Recorded now, it would leave after the caller was told to try again.
    if (planned === undefined)
      throw new OperationalError('upstream_timeout', true, { detail: 'the chain or the signer takes too long' });
    if ('rejection' in planned) return { ok: false, rejection: planned.rejection };
    const terms = {
      ...planned,
      number: await deps.nextNumber(),
      contentHash: digests.current,
      encryptedDetails: await sealDescription(personalData, transactionId, request.description),
      createdAt: at.toISOString(),
    };
    const outcome = await sends.handle(
      sendStream(transactionId),
      { type: 'CreateSend', terms, oldDigests: digests.old },
      // Concurrent repeats are commands of their own: the store lets one create the stream, the others find it.
      { commandId: uuidv7(at), ...currentCorrelation(transactionId) },
    );
    if (!outcome.ok) return { ok: false, rejection: 'idempotency_key_reused' };
    return answerOf(transactionId, outcome.events.length === 0);
  };
}

/**
 * A description is people's words, so it is keyed, and a hexadecimal address is one in capitals or not. Earlier builds recorded
 * a digest without a key, or of the address as it was written.
 */
function digestsOf(keys: Keyring, request: Request): KeyedDigests {
  const { asset, amount, toAddress, useContract, description } = request;
  const contentTo = (address: string) => [asset, amount.toString(), address, useContract, description];
  const written = contentTo(toAddress);
  const asWritten = keyedDigests(keys, 'send', written);
  const { current, old } = keyedDigests(keys, 'send', contentTo(inOneCase(toAddress)));
  return { current, old: [...old, asWritten.current, ...asWritten.old, sha256Hex(JSON.stringify(written))] };
}

function inOneCase(address: string): string {
  return /^0x[0-9a-f]{40}$/i.test(address) ? address.toLowerCase() : address;
}

type Plan = Omit<ChainSendTerms, 'number' | 'contentHash' | 'encryptedDetails' | 'createdAt'>;

/** Where it goes from and to, and what that may cost; or the first reason why not. */
async function plan(
  deps: CreateDeps,
  request: Request,
  transactionId: string,
): Promise<Plan | { readonly rejection: Rejection }> {
  const { tenantId, mode, asset, amount, useContract, userNumber } = request;
  const chain = deps.chainFor(asset, mode);
  if (chain === undefined) return { rejection: 'asset_not_supported' };
  const toAddress = chain.canonical(request.toAddress);
  if (toAddress === undefined) return { rejection: 'address_invalid' };
  if (useContract && !chain.hasContract(asset)) return { rejection: 'contract_not_available' };
  const wallet = await deps.openWallet(request, chain);
  // What is sent to where it comes from would be taken for change.
  if (toAddress === wallet.address) return { rejection: 'address_invalid' };
  const { state } = await deps.wallets.load(walletStream(wallet.walletId));
  assert(state.wallet !== null, 'the wallet was opened');
  const terms = { sendId: transactionId, asset, amount, toAddress, useContract, feeCap: null };
  const asked = await chain.prepare(terms, wallet, takenBut(state, transactionId));
  if (!asked.ok) return { rejection: refusals[failureOf(asked.refusal)] ?? 'limit_exceeded' };
  return {
    transactionId,
    tenantId,
    mode,
    walletId: wallet.walletId,
    chain: chain.chain,
    family: chain.family,
    fromAddress: wallet.address,
    toAddress,
    asset,
    amount,
    feeAsset: chain.feeAsset,
    feeCap: asked.prepared.maxFee * feeRoom,
    useContract,
    userNumber,
  };
}
