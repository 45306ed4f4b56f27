/**
 * What the relay publishes: deposits, field by field, and of sweeps that they are final, as a fact of its own: who takes
 * deposits would credit one. Addresses are nobody else's business.
 */
import { depositConfirmed, depositReverted, depositSeen, sweepConfirmed } from '@daybook/contracts';
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
  const { sweptFrom } = event;
  if (sweptFrom === undefined) return [messageOf(contracts[event.type], published(event), stored)];
  return event.type === 'DepositConfirmed'
    ? [messageOf(sweepConfirmed, { ...published(event), sweptFrom }, stored)]
    : [];
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
