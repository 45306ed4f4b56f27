/**
 * A book and its stream: the state in memory, the chain of hashes, and the place in the stream where the next append
 * goes. `add` seals events and applies them at once; `append` makes sealed events durable, in the order of their adding.
 */
import { assert, AssertionError } from '@daybook/core';
import type { EventMetadata, EventStore, ExpectedRevision, NewEvent } from '@daybook/event-store';
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
    add(events, metadata, sealed) {
      const from = sealed.length;
      let last = head;
      try {
        for (let index = 0; index < events.length; index++) {
          const journaled = seal(events[index]!, last, state.length + index, metadata);
          sealed.push(journaled);
          last = journaled.reference.slice(2);
        }
      } catch (error) {
        sealed.length = from;
        throw error;
      }
      for (let index = 0; index < events.length; index++) apply(state, events[index]!, sealed[from + index]!);
      head = last;
      const added = sealed.at(-1);
      assert(added && sealed.length > from, 'no events');
      return added;
    },
    sealer() {
      let last = head;
      return (event) => {
        const reference = referenceOf(encode(event, last).payload);
        last = reference.slice(2);
        return reference;
      };
    },
    async append(events) {
      await store.append(stream, toStore(events), revisionBefore(events));
      stored = behind(events);
    },
    async isCurrent() {
      return (await store.readStream(stream, { from: BigInt(stored), limit: 1 })).length === 0;
    },
    async holds(events) {
      const from = BigInt(firstOf(events).sequence);
      const there = await store.readStream(stream, { from, limit: events.length });
      const held = toStore(events).every(({ id }, index) => there[index]?.id === id);
      if (held) stored = behind(events);
      return held;
    },
    isAtHand: () => true,
    async recall() {
      throw new AssertionError(`${stream}: all records are in memory`);
    },
  };
}

function seal(event: BookEvent, previousHash: string, sequence: number, metadata: EventMetadata): Journaled {
  const { type, version, payload } = encode(event, previousHash);
  return { type, version, payload, metadata, sequence, at: event.at, reference: referenceOf(payload) };
}

function encode(event: BookEvent, previousHash: string): ReturnType<typeof encodeBookEvent> {
  try {
    return encodeBookEvent(event, previousHash);
  } catch (cause) {
    throw new Unrecordable(`${event.type}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * An id is taken from the event's own hash, which stands for its bytes, its place and all before it, and from that of
 * the last event of the append: so an append repeated is recognised, and one that only begins like another is not.
 */
function toStore(events: readonly Journaled[]): NewEvent[] {
  const last = events.at(-1)?.reference ?? '';
  const tail = `8${last.slice(2, 5)}-${last.slice(5, 17)}`;
  const toStored: NewEvent[] = [];
  for (const { type, version, payload, metadata, reference } of events) {
    const id = `${reference.slice(2, 10)}-${reference.slice(10, 14)}-8${reference.slice(14, 17)}-${tail}`;
    toStored.push({ id, type, version, payload, metadata });
  }
  return toStored;
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
