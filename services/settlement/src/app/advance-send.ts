/**
 * Brings a send as far as it goes now: held, slot reserved, signed and stored, broadcast, included, final. The request that
 * made it and the worker both come here, also at once, and after a crash anywhere: every step is asked for under the send's
 * own id and recorded by one append, so that the step after it begins with what is recorded and with nothing else.
 */
import { assert, assertNever, isOperationalError, OperationalError } from '@daybook/core';
import { inTurn, type InTurn } from '@daybook/runtime';
import type { Refusal } from '@daybook/signer';
import { isOver, wasRefusedByLedger, type ChainSend, type SendFailure, type SendState } from '../domain/send-state';
import { isBusy, takenBut, type Wallet, type WalletFields } from '../domain/wallet';
import type { Prepared } from '../ports';
import { followSend } from './follow-send';
import {
  contextOf,
  failureOf,
  give,
  isOlderThan,
  onWallet,
  record,
  signRequestOf,
  termsOf,
  timeOf,
  type AdvanceDeps,
  type Step,
} from './send-steps';
import { claimStream, sendStream, walletStream } from './send-streams';

/** More than any send takes: a loop would be a bug. */
const stepsMax = 50;
const reservationsMax = 5;

/** Refusals of something that the signer has signed before: that may have left, and must not be given up. */
const signedBefore: readonly Refusal[] = [
  'send_exists_with_different_fields',
  'replacement_not_possible',
  'replacements_exhausted',
];

export function advanceSend(deps: AdvanceDeps) {
  const { sends } = deps;
  const turns = inTurn();

  return async (transactionId: string): Promise<SendState> => {
    for (let step = 0; step < stepsMax; step++) {
      const { state } = await sends.load(sendStream(transactionId));
      if (state.stage === 'none' || (await stepOf(deps, turns, state)) === 'wait')
        return (await sends.load(sendStream(transactionId))).state;
    }
    throw new Error(`send ${transactionId} does not come to rest`);
  };
}

export type AdvanceSend = ReturnType<typeof advanceSend>;

async function stepOf(deps: AdvanceDeps, turns: InTurn, send: ChainSend): Promise<Step> {
  switch (send.stage) {
    case 'created':
      return hold(deps, send);
    case 'held':
      // The next of the wallet has to wait until this one is signed.
      return turns(send.walletId, () => reserveAndSign(deps, send));
    case 'prepared':
      return turns(send.walletId, () => signPrepared(deps, send));
    case 'signed':
      return send.attempts.at(-1)?.bytes === null ? signReplacement(deps, send) : broadcast(deps, send);
    case 'sent':
      return send.attempts.at(-1)?.bytes === null ? signReplacement(deps, send) : followSend(deps, send);
    case 'included':
      return followSend(deps, send);
    case 'releasing':
      return release(deps, send);
    case 'final':
    case 'over':
      return 'wait';
    default:
      return assertNever(send.stage);
  }
}

async function hold(deps: AdvanceDeps, send: ChainSend): Promise<Step> {
  const outcome = await deps.ledger.hold(send);
  if (!outcome.ok) {
    const failure = outcome.rejection === 'account_frozen' ? 'account_frozen' : 'insufficient_balance';
    return refuse(deps, send, failure, outcome.rejection);
  }
  await record(deps, send, { type: 'RecordHeld', at: timeOf(deps) });
  return 'again';
}

async function reserveAndSign(deps: AdvanceDeps, send: ChainSend): Promise<Step> {
  // What is prepared now would take a slot, and could be too old when payouts go on.
  if (await deps.arePayoutsStopped(send.mode)) return 'wait';
  return (await reserve(deps, send)) === 'wait' ? 'wait' : signPrepared(deps, send);
}

/** By one at a time: a refusal to the first, and then a signature for the second, would spoil the slot for ever. */
async function signPrepared(deps: AdvanceDeps, { transactionId }: ChainSend): Promise<Step> {
  const { state } = await deps.sends.load(sendStream(transactionId));
  return state.stage === 'prepared' ? sign(deps, state) : 'again';
}

async function reserve(deps: AdvanceDeps, send: ChainSend): Promise<Step> {
  const { transactionId: sendId, walletId } = send;
  for (let attempt = 0; attempt < reservationsMax; attempt++) {
    const { state: wallet } = await deps.wallets.load(walletStream(walletId));
    assert(wallet.wallet !== null, 'a send has an open wallet');
    const reserved = wallet.slots.get(sendId);
    if (reserved !== undefined) return prepared(deps, send, reserved.prepared);
    if (isBusy(wallet)) {
      if (await freedOfTheDead(deps, wallet)) continue;
      return 'wait';
    }
    const preparing = await deps.chainOf(send.chain).prepare(termsOf(send), wallet.wallet, takenBut(wallet, sendId));
    if (!preparing.ok) {
      const failure = failureOf(preparing.refusal);
      return (await isGivenUp(deps, send)) ? refuse(deps, send, failure, failure) : 'wait';
    }
    const spends = [
      { asset: send.asset, amount: send.amount },
      { asset: send.feeAsset, amount: send.feeCap },
    ];
    const reservation = { sendId, prepared: preparing.prepared, spends };
    // Who was first is in the stream: this round or the next finds what is reserved.
    await onWallet(deps, send, { type: 'ReserveSlot', ...reservation, at: timeOf(deps) });
  }
  return 'wait';
}

/** While payouts were stopped nobody tried. */
async function isGivenUp(deps: AdvanceDeps, { mode, createdAt }: ChainSend): Promise<boolean> {
  const resumedAt = await deps.payoutsResumedAt(mode);
  const since = resumedAt !== null && resumedAt > createdAt ? resumedAt : createdAt;
  return isOlderThan(deps, since, deps.giveUpAfterMs);
}

async function prepared(deps: AdvanceDeps, send: ChainSend, what: Prepared): Promise<Step> {
  const command = { type: 'RecordPrepared', attempt: 1, prepared: what, at: timeOf(deps) } as const;
  if ((await record(deps, send, command)) === 'send_over')
    await onWallet(deps, send, { type: 'FreeSlot', sendId: send.transactionId, at: timeOf(deps) });
  return 'again';
}

/**
 * A slot of a send that is over, by somebody who then could not free it: nothing was signed for it. The send was given up
 * before, or it has ended on the slot that it had, and this one was reserved by who still took it for held.
 */
async function freedOfTheDead(deps: AdvanceDeps, wallet: Wallet): Promise<boolean> {
  for (const { sendId, signed } of wallet.slots.values()) {
    if (signed) continue;
    const { state } = await deps.sends.load(sendStream(sendId));
    if (state.stage === 'none' || !isOver(state)) continue;
    await onWallet(deps, state, { type: 'FreeSlot', sendId, at: timeOf(deps) });
    return true;
  }
  return false;
}

async function sign(deps: AdvanceDeps, send: ChainSend): Promise<Step> {
  // A database that was restored does not know what its wallets have spent since, and would have it spent once more.
  if (!deps.signaturesCompared()) return 'wait';
  const { transactionId: sendId, walletId, chain } = send;
  const attempt = send.attempts.length;
  const { state: wallet } = await deps.wallets.load(walletStream(walletId));
  const last = send.attempts[attempt - 1];
  assert(wallet.wallet !== null && last !== undefined, 'what is signed is prepared');
  // Once more, because preparing takes time. What a replacement replaces has left, and is followed.
  if (await deps.arePayoutsStopped(send.mode)) return 'wait';
  await expectItsKey(deps, wallet.wallet);
  const answer = await deps.signer.sign(signRequestOf(send, wallet.wallet, last.prepared));
  if (!answer.ok) {
    const { refusal: detail } = answer;
    if (attempt > 1) {
      await record(deps, send, { type: 'RecordNotReplaced', attempt, detail, at: timeOf(deps) });
      return 'again';
    }
    if (!signedBefore.includes(detail)) return refuse(deps, send, 'signer_refused', detail);
    deps.logger.error({ sendId, detail }, 'the signer has signed this send before, differently: a person must look');
    return 'wait';
  }
  const { transactionId: hash, bytes } = answer.value;
  const claim = { transactionId: hash, walletId, sendId };
  const claimed = { type: 'ClaimTransaction', claim, at: timeOf(deps) } as const;
  const outcome = await deps.fundings.handle(claimStream(chain, hash), claimed, contextOf(deps, send));
  assert(outcome.ok, `transaction ${hash} of send ${sendId} is another send's`);
  if ((await record(deps, send, { type: 'RecordSigned', attempt, hash, bytes, at: timeOf(deps) })) === undefined)
    await onWallet(deps, send, { type: 'RecordSlotSigned', sendId, at: timeOf(deps) });
  return 'again';
}

/** Whatever keeps the signer from it, what was signed before has left, and may be included or become final meanwhile. */
async function signReplacement(deps: AdvanceDeps, send: ChainSend): Promise<Step> {
  try {
    if ((await sign(deps, send)) === 'again') return 'again';
  } catch (error) {
    if (!isOperationalError(error)) throw error;
    deps.logger.warn(
      { error, send: send.transactionId },
      'a send is followed without its replacement, which is unsigned',
    );
  }
  return followSend(deps, send);
}

/**
 * Asked for each signature: a signer that was started again may have another keystore. What another key signs spends nothing
 * of the wallet, and would be recorded as what may have left.
 */
async function expectItsKey(deps: AdvanceDeps, wallet: WalletFields): Promise<void> {
  const { walletId, chain, family, index, address } = wallet;
  const { address: signs } = await deps.signer.walletOf({ family, index });
  if (signs === address) return;
  deps.logger.error({ walletId, chain, index, address, signs }, 'the signer has another key than that of the wallet');
  throw new OperationalError('upstream_unavailable', false, {
    detail: `the signer has another key than that of wallet ${walletId} on ${chain}: ${signs} instead of ${address}`,
  });
}

/** The bytes are stored by now. Whether the network has them is not known before the chain shows them. */
async function broadcast(deps: AdvanceDeps, send: ChainSend): Promise<Step> {
  if (send.attempts.length === 1 && (await deps.arePayoutsStopped(send.mode))) return 'wait';
  // Again, for a process that ended right after it had stored them.
  await onWallet(deps, send, { type: 'RecordSlotSigned', sendId: send.transactionId, at: timeOf(deps) });
  await give(deps, send);
  await record(deps, send, { type: 'RecordBroadcast', attempt: send.attempts.length, at: timeOf(deps) });
  return 'wait';
}

async function release(deps: AdvanceDeps, send: ChainSend): Promise<Step> {
  if (!wasRefusedByLedger(send)) await deps.ledger.release(send);
  await onWallet(deps, send, { type: 'FreeSlot', sendId: send.transactionId, at: timeOf(deps) });
  await record(deps, send, { type: 'RecordClosed', at: timeOf(deps) });
  return 'wait';
}

async function refuse(deps: AdvanceDeps, send: ChainSend, failure: SendFailure, detail: string): Promise<Step> {
  await record(deps, send, { type: 'RecordRefused', failure, detail, at: timeOf(deps) });
  return 'again';
}
