/**
 * Relay: the only way from the event store to the transport. Publishing is a projection: read from the checkpoint, map,
 * publish, then move the checkpoint. A crash in between publishes again, with the same ids. While the broker is away
 * the checkpoint waits and nothing else notices.
 */
import { createSubscription, type CheckpointTable, type EventStore, type StoredEvent } from '@daybook/event-store';
import type { Component, Logger, OnFatal, Registry } from '@daybook/runtime';
import type { Pool } from 'pg';
import { relayMetrics } from './consumer-metrics';
import type { OutgoingMessage, Transport } from './transport';

export type RelayDeps = {
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
  /** Names the checkpoint; a new name publishes everything again. */
  readonly name: string;
  /** What a stored event tells the other services; most tell nothing. Pure: repeated, it gives the same messages. */
  map(event: StoredEvent): readonly OutgoingMessage[];
};

const batchSize = 200;

export function createRelay(
  { pool, store, checkpoints, transport, logger, metrics, onFatal }: RelayDeps,
  { name, map }: RelayOptions,
): Component & { caughtUp(): Promise<void> } {
  const { published, failures } = relayMetrics(metrics);
  const relay = name;
  return createSubscription({
    pool,
    store,
    ...(checkpoints === undefined ? {} : { checkpoints }),
    name: `relay ${name}`,
    logger,
    onFatal,
    batchSize,
    async handle(_tx, events) {
      const messages = events.flatMap(map);
      if (messages.length === 0) return;
      try {
        await transport.publish(messages);
      } catch (error) {
        failures.inc({ relay });
        throw error;
      }
      published.inc({ relay }, messages.length);
    },
  });
}
