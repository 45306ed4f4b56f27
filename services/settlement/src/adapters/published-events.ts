/** What this service tells others, mapped from its stored events. Pure. */
import { settlementCompleted, settlementInstructed } from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { messageOf, type OutgoingMessage } from '@daybook/messaging';
import { publishedOfTransfer } from './published-transfers';
import { storedEvents } from './stored-events';

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
      return [];
    default:
      return publishedOfTransfer(event, stored);
  }
}
