/**
 * Relay: the only way from the event store to the transport. Publishing is a projection: read from the checkpoint, map,
 * publish, then move the checkpoint. A crash in between publishes again, with the same ids. While the broker is away
 * the checkpoint waits and nothing else notices.
 */
import {
  createSubscription,
  type CheckpointTable,
  type EventStore,
  type StoredEvent,
  type Tx,
} from '@daybook/event-store';
import type { Component, Logger, OnFatal, Registry } from '@daybook/runtime';
import type { Pool } from 'pg';
import { relayMetrics } from './consumer-metrics';
import { noRelayPlaces, postgresRelayPlaces } from './relay-places';
import { watchRelay } from './relay-watch';
import { subscriptionName } from './subscription-name';
import type { OutgoingMessage, Transport } from './transport';

export type RelayDeps = {
  /** Of the service's schema, with the tables of `messagingMigrations`. */
  readonly pool: Pool;
  readonly store: EventStore;
  /** Postgres unless a simulation brings its own. */
  readonly checkpoints?: CheckpointTable;
  readonly transport: Transport;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly onFatal: OnFatal;
};

export type RelayOptions = {
  /** Names the checkpoint. */
  readonly name: string;
  /** What a stored event tells the other services; most tell nothing. Pure: repeated, it gives the same messages. */
  map(event: StoredEvent): readonly OutgoingMessage[];
};

export type Relay = Component & { caughtUp(): Promise<void> };

const batchSize = 200;

export function createRelay(deps: RelayDeps, { name, map }: RelayOptions): Relay {
  const { pool, store, checkpoints, transport, logger, metrics, onFatal } = deps;
  const { published, failures } = relayMetrics(metrics);
  const relay = name;
  const places = checkpoints === undefined ? postgresRelayPlaces : noRelayPlaces;
  // After a failure the topics may be others than before.
  let checked = false;
  let handled = 0n;
  const subscription = createSubscription({
    pool,
    store,
    ...(checkpoints === undefined ? {} : { checkpoints }),
    name: subscriptionName(name),
    logger,
    onFatal,
    batchSize,
    async handle(tx, events) {
      const messages = events.flatMap(map);
      if (messages.length > 0) await publish(tx, messages);
      handled += BigInt(events.length);
    },
  });

  async function publish(tx: Tx, messages: readonly OutgoingMessage[]): Promise<void> {
    try {
      if (!checked) await places.check(tx, transport, relay);
      // NOTE: The transaction has written nothing yet. One that has would hold back all readers of the log meanwhile.
      const publishedTo = await transport.publish(messages);
      await places.remember(tx, relay, publishedTo);
      checked = true;
    } catch (error) {
      checked = false;
      failures.inc({ relay });
      throw error;
    }
    published.inc({ relay }, messages.length);
  }
  const started = {
    ...subscription,
    start() {
      checked = false;
      return subscription.start();
    },
  };
  if (checkpoints !== undefined) return started;
  return watchRelay({ pool, store, logger, metrics }, { name, handled: () => handled }, started);
}
