/** What the steps of a send have in common. */
import type { Mode } from '@daybook/contracts';
import { assert, isOperationalError } from '@daybook/core';
import { uuidv7, type Clock, type Logger } from '@daybook/runtime';
import { signRequest, type Signer, type SignRequest } from '@daybook/signer';
import type { SendCommand } from '../domain/chain-send';
import type { ChainSend, SendFailure } from '../domain/send-state';
import type { WalletFields } from '../domain/wallet';
import type {
  FundingStore,
  Prepared,
  Preparing,
  SendChain,
  SendLedger,
  SendStore,
  SendTerms,
  WalletStore,
} from '../ports';
import type { ArePayoutsStopped } from './payouts';
import { sendStream, walletStream } from './send-streams';

export type AdvanceDeps = {
  readonly sends: SendStore;
  readonly wallets: WalletStore;
  readonly fundings: FundingStore;
  readonly ledger: SendLedger;
  readonly signer: Signer;
  /** Whether all that the signer has signed is known to be recorded here. Until then it is asked for nothing more. */
  readonly signaturesCompared: () => boolean;
  readonly chainOf: (chain: string) => SendChain;
  readonly arePayoutsStopped: ArePayoutsStopped;
  /** When they went on last; null when they were never stopped. */
  readonly payoutsResumedAt: (mode: Mode) => Promise<string | null>;
  /** Without an inclusion for so long, the fee is raised. */
  readonly bumpAfterMs: number;
  /** A send that cannot be signed for so long, for want of funds or because fees are too high, fails. */
  readonly giveUpAfterMs: number;
  readonly now: Clock;
  readonly logger: Logger;
};

/** `again`: there may be more to do at once. */
export type Step = 'again' | 'wait';

/**
 * Gives the newest signed bytes to the network, unless payouts are stopped: what has left lives on without it, and what has
 * not is not to leave now. A failure leaves the outcome unknown, so they are given again.
 */
export async function give(deps: AdvanceDeps, send: ChainSend): Promise<void> {
  const bytes = send.attempts.findLast((attempt) => attempt.bytes !== null)?.bytes;
  assert(bytes, 'what is broadcast is signed');
  if (await deps.arePayoutsStopped(send.mode)) return;
  await deps
    .chainOf(send.chain)
    .broadcast(bytes)
    .catch((error: unknown) => {
      if (!isOperationalError(error)) throw error;
      deps.logger.warn({ error, send: send.transactionId }, 'the network may not have a send; it is given again');
    });
}

/** Answers with the rejection when another was first; the next step begins with what is recorded. */
export async function record(deps: AdvanceDeps, send: ChainSend, command: SendCommand): Promise<string | undefined> {
  const outcome = await deps.sends.handle(sendStream(send.transactionId), command, contextOf(deps, send));
  if (outcome.ok) return undefined;
  deps.logger.debug({ send: send.transactionId, command: command.type, reason: outcome.rejection }, 'not recorded');
  return outcome.rejection;
}

export async function onWallet(
  deps: AdvanceDeps,
  send: ChainSend,
  command: Parameters<WalletStore['handle']>[1],
): Promise<void> {
  await deps.wallets.handle(walletStream(send.walletId), command, contextOf(deps, send));
}

export function termsOf({ transactionId, asset, amount, toAddress, useContract, feeCap }: ChainSend): SendTerms {
  return { sendId: transactionId, asset, amount, toAddress, useContract, feeCap };
}

/** What the signer is asked for, from what is recorded alone. */
export function signRequestOf(
  { transactionId: sendId, family }: Pick<ChainSend, 'transactionId' | 'family'>,
  { index }: WalletFields,
  { transaction }: Prepared,
): SignRequest {
  return signRequest.decode({ sendId, index, family, transaction } as never);
}

export function isOlderThan({ now }: Pick<AdvanceDeps, 'now'>, time: string, ageMs: number): boolean {
  return now().getTime() - Date.parse(time) >= ageMs;
}

export const timeOf = ({ now }: Pick<AdvanceDeps, 'now'>) => now().toISOString();

export function contextOf({ now }: AdvanceDeps, { transactionId }: ChainSend) {
  // A command of its own for each: what makes a repeat harmless is the state that it finds.
  const commandId = uuidv7(now());
  return { commandId, correlationId: transactionId, causationId: commandId };
}

/** Why a send cannot be signed now, as it is recorded once it is given up. */
export function failureOf(refusal: Extract<Preparing, { ok: false }>['refusal']): SendFailure {
  return refusal === 'insufficient_funds' ? 'wallet_funds_insufficient' : refusal;
}
