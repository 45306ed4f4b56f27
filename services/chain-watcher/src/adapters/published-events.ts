/** What the relay publishes: deposits, field by field. Addresses are nobody else's business. */
import { depositConfirmed, depositReverted, depositSeen } from '@daybook/contracts';
import { messageOf, type OutgoingMessage } from '@daybook/messaging';
import type { StoredEvent } from '@daybook/event-store';
import type { DepositEvent } from '../domain/deposit';
import { storedEvents } from './stored-events';

const contracts = {
  DepositSeen: depositSeen,
  DepositConfirmed: depositConfirmed,
  DepositReverted: depositReverted,
} as const;

export function publishedEvents(stored: StoredEvent): readonly OutgoingMessage[] {
  const event = storedEvents.decode(stored);
  if (event.type === 'AddressAllocated') return [];
  return [messageOf(contracts[event.type], published(event), stored)];
}

function published(event: DepositEvent) {
  return {
    depositId: event.depositId,
    chain: event.chain,
    transactionId: event.transactionId,
    index: event.index,
    asset: event.asset,
    amount: event.amount,
    address: event.address,
    reference: event.reference,
    tenantId: event.tenantId,
    mode: event.mode,
    blockNumber: event.blockNumber,
    blockHash: event.blockHash,
    at: event.at,
  };
}
