/** What becomes of a send that was signed: only the chain says, and only its final state ends it. */
import { assert, isOperationalError } from '@daybook/core';
import { hashesOf, type ChainSend } from '../domain/send-state';
import { walletStream } from './send-streams';
import { give, isOlderThan, onWallet, record, termsOf, timeOf, type AdvanceDeps, type Step } from './send-steps';

export async function followSend(deps: AdvanceDeps, send: ChainSend): Promise<Step> {
  const chain = deps.chainOf(send.chain);
  const { slot } = send.attempts[0]?.prepared ?? {};
  const { state } = await deps.wallets.load(walletStream(send.walletId));
  assert(slot !== undefined && state.wallet !== null, 'what is followed has a slot of a wallet');
  const hashes = hashesOf(send);
  const status = await chain.statusOf(slot, state.wallet, hashes);
  switch (status.type) {
    case 'included': {
      const { transactionId: hash, blockNumber, blockHash, succeeded, fee, gasUsed, gasPrice } = status;
      const inclusion = { hash, blockNumber, blockHash, succeeded, fee, gasUsed, gasPrice };
      if (!status.final) {
        await record(deps, send, { type: 'RecordIncluded', inclusion, at: timeOf(deps) });
        return 'wait';
      }
      // Before the end is recorded: afterwards nobody comes back to do it. The chain's final state has the slot by now.
      await onWallet(deps, send, { type: 'FreeSlot', sendId: send.transactionId, at: timeOf(deps) });
      await record(deps, send, { type: 'RecordFinal', inclusion, at: timeOf(deps) });
      return 'again';
    }
    case 'impossible':
      // What took the slot may be a replacement that was recorded before a database was restored: it has paid.
      if (!deps.signaturesCompared()) return 'wait';
      await record(deps, send, { type: 'RecordImpossible', hashes, detail: status.reason, at: timeOf(deps) });
      return 'again';
    case 'pending':
    case 'unseen': {
      if (send.stage === 'included') await record(deps, send, { type: 'RecordExcluded', at: timeOf(deps) });
      // The node may know what a replacement replaces and not the replacement, of which the first broadcast was lost.
      if (status.type === 'unseen' || hashes.length > 1) await give(deps, send);
      return replace(deps, send);
    }
  }
}

/** A higher fee on the same slot, once the last attempt has waited long enough, and so has the last refusal of another. */
async function replace(deps: AdvanceDeps, send: ChainSend): Promise<Step> {
  const last = send.attempts.at(-1);
  if (!send.replaceable || last?.sentAt == null || !isOlderThan(deps, last.sentAt, deps.bumpAfterMs)) return 'wait';
  if (send.notReplacedAt !== null && !isOlderThan(deps, send.notReplacedAt, deps.bumpAfterMs)) return 'wait';
  try {
    const higher = await deps.chainOf(send.chain).bump(termsOf(send), last.prepared);
    if (higher === undefined || higher.maxFee > send.feeCap) return 'wait';
    const attempt = send.attempts.length + 1;
    const refused = await record(deps, send, { type: 'RecordPrepared', attempt, prepared: higher, at: timeOf(deps) });
    return refused === undefined ? 'again' : 'wait';
  } catch (error) {
    if (!isOperationalError(error)) throw error;
    deps.logger.warn({ error, send: send.transactionId }, 'a send waits, and its fee could not be raised');
    return 'wait';
  }
}
