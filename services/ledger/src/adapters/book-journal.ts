/**
 * A book and its stream: the state in memory, the chain of hashes, and the place in the stream where the next append
 * goes. `add` seals an event and applies it at once; `append` makes sealed events durable, in the order of their adding.
 */
import { assert, AssertionError } from '@daybook/core';
import type { EventMetadata, EventStore, ExpectedRevision, NewEvent } from '@daybook/event-store';
import { sha256Hex, uuidFrom } from '@daybook/runtime';
import type { BookEvent } from '../domain/book-events';
import { apply, emptyBook, type BookState } from '../domain/book-state';
import { decodeBookEvent, encodeBookEvent, genesisHash } from './stored-events';

/** An event in its place, ready to be stored. */
export type Journaled = {
  readonly stored: NewEvent;
  readonly sequence: number;
  readonly at: string;
  readonly reference: string;
};

export type BookJournal = {
  readonly state: BookState;
  /** Reads the stream from where the state stands to its end. */
  load(): Promise<void>;
  add(event: BookEvent, metadata: EventMetadata): Journaled;
  append(events: readonly Journaled[]): Promise<void>;
  /** Whether exactly these events are stored in their places. */
  holds(events: readonly Journaled[]): Promise<boolean>;
};

const pageSize = 5_000;

export function referenceOf(payload: Buffer): string {
  return `0x${sha256Hex(payload)}`;
}

export function bookJournal(store: EventStore, stream: string): BookJournal {
  const state = emptyBook();
  let head = genesisHash;

  return {
    state,
    async load() {
      for (;;) {
        const page = await store.readStream(stream, { from: BigInt(state.length), limit: pageSize });
        for (const { type, version, payload, revision } of page) {
          const { event, previousHash } = decodeBookEvent({ type, version, payload });
          if (previousHash !== head) throw new AssertionError(`${stream}: the chain of hashes breaks at ${revision}`);
          const reference = referenceOf(payload);
          apply(state, event, { sequence: Number(revision), reference });
          head = reference.slice(2);
        }
        if (page.length < pageSize) return;
      }
    },
    add(event, { correlationId, causationId }) {
      const encoded = encodeBookEvent(event, head);
      const reference = referenceOf(encoded.payload);
      const sequence = state.length;
      apply(state, event, { sequence, reference });
      head = reference.slice(2);
      const id = uuidFrom([stream, sequence.toString(), head]);
      return {
        stored: { id, ...encoded, metadata: { correlationId, causationId } },
        sequence,
        at: event.at,
        reference,
      };
    },
    async append(events) {
      await store.append(
        stream,
        events.map(({ stored }) => stored),
        revisionBefore(events),
      );
    },
    async holds(events) {
      const from = BigInt(firstOf(events).sequence);
      const there = await store.readStream(stream, { from, limit: events.length });
      return there.length === events.length && events.every(({ stored }, index) => there[index]?.id === stored.id);
    },
  };
}

function firstOf(events: readonly Journaled[]): Journaled {
  const first = events[0];
  assert(first, 'no events');
  return first;
}

function revisionBefore(events: readonly Journaled[]): ExpectedRevision {
  const { sequence } = firstOf(events);
  return sequence === 0 ? 'no_stream' : BigInt(sequence) - 1n;
}
