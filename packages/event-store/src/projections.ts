/**
 * Read models kept up to date from the log: one runner and one checkpoint for the group, so that all its tables show the
 * same moment. Handlers are pure; their statements and the checkpoint commit together, so each event counts once.
 */
import type { Component, Logger, OnFatal } from '@daybook/runtime';
import type { Pool } from 'pg';
import type { EventCodec } from './codec';
import type { Sql } from './database';
import type { EventMetadata, EventStore, Position, StoredEvent } from './event-store';
import { createSubscription } from './subscription';

export type EventPlace = {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: Position;
  readonly recordedAt: Date;
  readonly eventId: string;
  /** The event's exact bytes. */
  readonly payload: Buffer;
  readonly metadata: EventMetadata;
};

export type Projection<Event extends { readonly type: string }> = {
  readonly name: string;
  /** Bump when the tables or handlers change meaning; the runner refuses tables filled by another version. */
  readonly version: number;
  readonly handlers: {
    readonly [Type in Event['type']]?: (
      event: Extract<Event, { readonly type: Type }>,
      at: EventPlace,
    ) => readonly Sql[];
  };
};

export type Projections = Component & {
  /** Resolves when everything appended before the call is in the tables. Use it before reads that must see it. */
  caughtUp(): Promise<void>;
};

export function createProjections<Event extends { readonly type: string }>(options: {
  readonly pool: Pool;
  readonly store: EventStore;
  readonly codec: EventCodec<Event>;
  /** Name of the group's checkpoint. */
  readonly name: string;
  readonly projections: readonly Projection<Event>[];
  readonly logger: Logger;
  readonly onFatal: OnFatal;
}): Projections {
  const { codec, projections, ...rest } = options;
  const version = projections
    .map((projection) => `${projection.name}@${projection.version}`)
    .sort()
    .join(' ');
  return createSubscription({
    ...rest,
    version,
    handle: async (_tx, events) => events.flatMap((event) => statementsOf(codec, projections, event)),
  });
}

/** What an event does to the tables. Throws on an event that this build does not know, whoever handles it. */
function statementsOf<Event extends { readonly type: string }>(
  codec: EventCodec<Event>,
  projections: readonly Projection<Event>[],
  stored: StoredEvent,
): Sql[] {
  const event = codec.decode(stored);
  const { stream, revision, position, recordedAt, id, payload, metadata } = stored;
  const place: EventPlace = { stream, revision, position, recordedAt, eventId: id, payload, metadata };
  return projections.flatMap((projection) => {
    const handler = projection.handlers[event.type as Event['type']] as
      ((event: Event, at: EventPlace) => readonly Sql[]) | undefined;
    return handler?.(event, place) ?? [];
  });
}
