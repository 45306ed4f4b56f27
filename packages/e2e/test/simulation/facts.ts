/** What is stored, folded by the rules of each service: impossible histories assert. */
import { depositEvents, storedEvents } from '../../../../services/chain-watcher/src/adapters/stored-events';
import {
  depositDecider,
  type DepositEvent,
  type DepositState,
} from '../../../../services/chain-watcher/src/domain/deposit';
import { intentEvents } from '../../../../services/intents/src/adapters/stored-events';
import {
  paymentIntent,
  type IntentEvent,
  type IntentState,
} from '../../../../services/intents/src/domain/payment-intent';
import { decodeBookEvent } from '../../../../services/ledger/src/adapters/stored-events';
import type { BookEvent } from '../../../../services/ledger/src/domain/book-events';
import { deliveryCodec } from '../../../../services/notifications/src/adapters/stored-events';
import { delivery, type DeliveryState } from '../../../../services/notifications/src/domain/delivery';
import { settlementEvents } from '../../../../services/settlement/src/adapters/stored-events';
import { settlement, type SettlementState } from '../../../../services/settlement/src/domain/settlement';
import type { EventStore, Position, StoredEvent } from '@daybook/event-store';
import type { Product } from './product';

export type Existing = Exclude<DeliveryState, { status: 'none' }>;
export type Seen = Exclude<DepositState, { status: 'none' }>;

export type Facts = {
  readonly intents: readonly {
    readonly intentId: string;
    readonly events: readonly IntentEvent[];
    readonly state: IntentState;
  }[];
  readonly deposits: readonly Seen[];
  readonly settlements: ReadonlyMap<string, SettlementState>;
  /** In the order of their scheduling. */
  readonly deliveries: readonly { readonly deliveryId: string; readonly state: Existing }[];
  readonly book: readonly BookEvent[];
  readonly transfers: ReadonlyMap<string, RecordedTransfer>;
};

export type RecordedTransfer = {
  readonly status: 'accepted' | 'confirmed' | 'failed' | 'reversed';
  readonly debitAccountId: string;
  readonly creditAccountId: string;
};

export async function allOf(log: EventStore): Promise<readonly StoredEvent[]> {
  return log.readAll('start' as Position, Number.MAX_SAFE_INTEGER);
}

function byStream(events: readonly StoredEvent[], prefix: string): ReadonlyMap<string, readonly StoredEvent[]> {
  const streams = new Map<string, StoredEvent[]>();
  for (const event of events) {
    if (!event.stream.startsWith(prefix)) continue;
    const known = streams.get(event.stream.slice(prefix.length));
    if (known) known.push(event);
    else streams.set(event.stream.slice(prefix.length), [event]);
  }
  return streams;
}

export async function readFacts({ places }: Product): Promise<Facts> {
  const logs = async (service: keyof typeof places) => allOf(places[service].log.durable);
  const [chain, intents, settlements, notifications, ledger] = await Promise.all([
    logs('chain-watcher'),
    logs('intents'),
    logs('settlement'),
    logs('notifications'),
    logs('ledger'),
  ]);
  const book = ledger.filter(({ stream }) => stream === 'book-sandbox').map((event) => decodeBookEvent(event).event);
  return {
    intents: [...byStream(intents, 'intent-')].map(([intentId, stored]) => {
      const events = stored.map((event) => intentEvents.decode(event));
      return { intentId, events, state: events.reduce(paymentIntent.evolve, paymentIntent.initial) };
    }),
    deposits: [...byStream(chain, 'deposit-').values()].map(
      (stored) =>
        stored
          .map((event) => depositEvents.decode(event) as DepositEvent)
          .reduce(depositDecider.evolve, depositDecider.initial) as Seen,
    ),
    settlements: new Map(
      [...byStream(settlements, 'settlement-')].map(([id, stored]) => [
        id,
        stored.map((event) => settlementEvents.decode(event)).reduce(settlement.evolve, settlement.initial),
      ]),
    ),
    deliveries: [...byStream(notifications, 'delivery-')].map(([deliveryId, stored]) => ({
      deliveryId,
      state: stored.map((event) => deliveryCodec.decode(event)).reduce(delivery.evolve, delivery.initial) as Existing,
    })),
    book,
    transfers: transfersIn(book),
  };
}

export { storedEvents };

function transfersIn(book: readonly BookEvent[]): Facts['transfers'] {
  const statuses = {
    TransferAccepted: 'accepted',
    TransferConfirmed: 'confirmed',
    TransferFailed: 'failed',
    TransferReversed: 'reversed',
  } as const;
  const transfers = new Map<string, RecordedTransfer>();
  for (const event of book) {
    if (!('transfer' in event)) continue;
    const { transferId, debitAccountId, creditAccountId } = event.transfer;
    transfers.set(transferId, { status: statuses[event.type], debitAccountId, creditAccountId });
  }
  return transfers;
}
