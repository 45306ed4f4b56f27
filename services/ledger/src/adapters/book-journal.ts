/**
 * A book and its stream: the state in memory, the chain of hashes, and the place in the stream where the next append
 * goes. `add` seals events and applies them at once; `append` makes sealed events durable, in the order of their adding.
 */
import { assert, AssertionError } from '@daybook/core';
import type { EventStore, ExpectedRevision, NewEvent } from '@daybook/event-store';
import { uuidFrom } from '@daybook/runtime';
import { apply, emptyBook } from '../domain/book-state';
import type { BookEvent } from '../domain/book-events';
import { Unrecordable, type BookJournal, type Journaled } from '../ports';
import { decodeBookEvent, encodeBookEvent, genesisHash, referenceOf } from './stored-events';

const pageSize = 5_000;

export function bookJournal(store: EventStore, stream: string): BookJournal {
  const state = emptyBook();
  let head = genesisHash;
  /** Events known to be stored; the state is ahead of it by what is sealed and not appended. */
  let stored = 0;

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
        stored = state.length;
        if (page.length < pageSize) return;
      }
    },
    add(events, { correlationId, causationId }) {
      const sealed: Journaled[] = [];
      let last = head;
      for (const [index, event] of events.entries()) {
        const encoded = encode(event, last);
        const reference = referenceOf(encoded.payload);
        last = reference.slice(2);
        const metadata = { correlationId, causationId };
        sealed.push({ ...encoded, metadata, sequence: state.length + index, at: event.at, reference });
      }
      for (const [index, event] of events.entries()) apply(state, event, sealed[index]!);
      head = last;
      return sealed;
    },
    async append(events) {
      await store.append(stream, toStore(stream, events), revisionBefore(events));
      stored = behind(events);
    },
    async isCurrent() {
      return (await store.readStream(stream, { from: BigInt(stored), limit: 1 })).length === 0;
    },
    async holds(events) {
      const from = BigInt(firstOf(events).sequence);
      const there = await store.readStream(stream, { from, limit: events.length });
      const held = toStore(stream, events).every(({ id }, index) => there[index]?.id === id);
      if (held) stored = behind(events);
      return held;
    },
  };
}

function encode(event: BookEvent, previousHash: string): ReturnType<typeof encodeBookEvent> {
  try {
    return encodeBookEvent(event, previousHash);
  } catch (cause) {
    throw new Unrecordable(`${event.type}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * The ids derive from the place and from all that is appended together, so that an append repeated is recognised and
 * one that only begins like another is not.
 */
function toStore(stream: string, events: readonly Journaled[]): NewEvent[] {
  const last = events.at(-1)?.reference ?? '';
  return events.map(({ type, version, payload, metadata, sequence }) => ({
    id: uuidFrom([stream, sequence.toString(), last]),
    type,
    version,
    payload,
    metadata,
  }));
}

function firstOf(events: readonly Journaled[]): Journaled {
  const first = events[0];
  assert(first, 'no events');
  return first;
}

/** The sequence after them. */
function behind(events: readonly Journaled[]): number {
  return firstOf(events).sequence + events.length;
}

function revisionBefore(events: readonly Journaled[]): ExpectedRevision {
  const { sequence } = firstOf(events);
  return sequence === 0 ? 'no_stream' : BigInt(sequence) - 1n;
}
