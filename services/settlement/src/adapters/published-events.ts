/** What this service tells others: the outputs of the workflow, mapped from its stored events. Pure. */
import { settlementCompleted, settlementInstructed } from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { messageOf, type OutgoingMessage } from '@daybook/messaging';
import { settlementEvents } from './stored-events';

export function publishedEvents(stored: StoredEvent): readonly OutgoingMessage[] {
  const event = settlementEvents.decode(stored);
  switch (event.type) {
    case 'SettlementInstructed':
      return [messageOf(settlementInstructed, { ...event.terms, at: event.at }, stored)];
    case 'SettlementCompleted': {
      const { terms, ledgerReference, at } = event;
      return [messageOf(settlementCompleted, { ...terms, ledgerReference, at }, stored)];
    }
    default:
      return [];
  }
}
