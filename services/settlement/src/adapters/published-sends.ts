/** What is told of sends and hot wallets, mapped from stored events. Pure. */
import { sendFinal, sendStatusChanged, sweepReceived, walletFunded } from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { messageOf, type OutgoingMessage } from '@daybook/messaging';
import { stateOfSend } from '../app/send-view';
import type { SendEvent } from '../domain/chain-send';
import type { FundingEvent } from '../domain/wallet-funding';
import { holdIdsOf } from './send-ledger';

export function publishedOfSend(event: SendEvent, stored: StoredEvent): readonly OutgoingMessage[] {
  const { summary, at } = event;
  const { transactionId, tenantId, mode, walletId, asset, amount, feeAsset } = summary;
  const changed = messageOf(sendStatusChanged, { ...stateOfSend(summary), tenantId, mode }, stored);
  if (event.type !== 'SendFinal') return [changed];
  const { succeeded, fee } = event.inclusion;
  // Where the chain took nothing there is nothing to post, and the holds are released.
  if (!succeeded && fee === 0n) return [changed];
  const left = { amount: succeeded ? amount : 0n, feeAsset, fee, ...holdIdsOf(summary) };
  const final = { transactionId, tenantId, mode, walletId, asset, ...left, at };
  return [messageOf(sendFinal, final, stored), changed];
}

export function publishedOfFunding(event: FundingEvent, stored: StoredEvent): readonly OutgoingMessage[] {
  if (event.type === 'TransactionClaimed') return [];
  if (event.type === 'SweepReceived') return [messageOf(sweepReceived, { ...event.sweep, at: event.at }, stored)];
  const { receipt, ...funding } = event.funding;
  return [messageOf(walletFunded, { ...funding, receipt: receipt ?? undefined, at: event.at }, stored)];
}
