/** What this service tells others, mapped from its stored events. Pure. */
import { settlementCompleted, settlementInstructed } from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { messageOf, type OutgoingMessage } from '@daybook/messaging';
import { publishedOfFunding, publishedOfSend } from './published-sends';
import { publishedOfTransfer } from './published-transfers';
import type { SendEvent } from '../domain/chain-send';
import type { TransferEvent } from '../domain/bank-transfer';
import { storedEvents } from './stored-events';
import { sendEvents } from './stored-sends';

export function publishedEvents(stored: StoredEvent): readonly OutgoingMessage[] {
  const event = storedEvents.decode(stored);
  switch (event.type) {
    case 'SettlementInstructed':
      return [messageOf(settlementInstructed, { ...event.terms, at: event.at }, stored)];
    case 'SettlementCompleted': {
      const { terms, ledgerReference, at } = event;
      return [messageOf(settlementCompleted, { ...terms, ledgerReference, at }, stored)];
    }
    case 'SettlementStarted':
    case 'SettlementPosted':
    case 'InstitutionAdded':
    case 'InstitutionEnabledSet':
    case 'BankStatementReceived':
    case 'WalletRegistered':
    case 'WalletOpened':
    case 'WalletWatched':
    case 'SlotReserved':
    case 'SlotSigned':
    case 'SlotFreed':
    case 'PayoutsStopped':
    case 'PayoutsResumed':
      return [];
    case 'WalletFunded':
    case 'SweepReceived':
    case 'TransactionClaimed':
      return publishedOfFunding(event, stored);
    default:
      return isOfSend(event) ? publishedOfSend(event, stored) : publishedOfTransfer(event, stored);
  }
}

function isOfSend(event: SendEvent | TransferEvent): event is SendEvent {
  return sendEvents.types.some((type) => type === event.type);
}
