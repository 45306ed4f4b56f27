/**
 * A book and its stream: the state in memory, the chain of hashes, and the place in the stream where the next append
 * goes. `add` seals events and applies them at once; `append` makes sealed events durable, in the order of their adding.
 *
 * With a memory (`book-memory.ts`) it starts from the newest snapshot and reads only what came after it, keeps the
 * records of recent commands only, and writes a snapshot every so many events. A snapshot is of durable events: the state
 * is captured when an append is through, and written when all that it holds is. Without a memory everything stays in
 * memory, as tests and tools want it.
 */
import { assert, AssertionError } from '@daybook/core';
import type { EventMetadata, EventStore, ExpectedRevision, NewEvent, StoredEvent } from '@daybook/event-store';
import { sha256Hex } from '@daybook/runtime';
import { apply, emptyBook, type BookState } from '../domain/book-state';
import type { BookEvent } from '../domain/book-events';
import { recordIdsOf } from '../domain/records';
import { Unrecordable, type BookJournal, type Journaled } from '../ports';
import type { BookMemory } from './book-memory';
import { createSnapshots } from './book-snapshots';
import { recordIndex, type RecordIndex } from './record-index';
import { recordWindow, type RecordWindow } from './record-window';
import { decodeBookEvent, encodeBookEvent, genesisHash } from './stored-events';

type Book = {
  readonly store: EventStore;
  readonly stream: string;
  readonly state: BookState;
  /** Hash of the last event. */
  head: string;
  /** Events known to be stored; the state is ahead of it by what is sealed and not appended. */
  stored: number;
};

export function bookJournal(store: EventStore, stream: string, memory?: BookMemory): BookJournal {
  const book: Book = { store, stream, state: emptyBook(), head: genesisHash, stored: 0 };
  const { state } = book;
  const bounded = memory && boundedBy(memory, book);
  const isStored = (before: number) => {
    book.stored = before;
    bounded?.durable(before);
  };

  return {
    state,
    head: () => book.head,
    async load() {
      if (state.length === 0) await bounded?.resume();
      await readOn(book, bounded);
      bounded?.loaded();
    },
    add(events, metadata, sealed) {
      const from = sealed.length;
      let last = book.head;
      try {
        for (let index = 0; index < events.length; index++) {
          const payload = encode(events[index]!, last);
          last = sha256Hex(payload.payload);
          sealed.push(journaledOf(payload, metadata, state.length + index, events[index]!.at, last));
        }
      } catch (error) {
        sealed.length = from;
        throw error;
      }
      for (let index = 0; index < events.length; index++) {
        const { sequence } = sealed[from + index]!;
        apply(state, events[index]!, sealed[from + index]!);
        bounded?.window.applied(events[index]!, sequence);
      }
      book.head = last;
      const added = sealed.at(-1);
      assert(added && sealed.length > from, 'no events');
      return added;
    },
    sealer() {
      let last = book.head;
      return (event) => {
        last = sha256Hex(encode(event, last).payload);
        return `0x${last}`;
      };
    },
    async append(events) {
      await store.append(stream, toStore(events), revisionBefore(events));
      isStored(behind(events));
    },
    async isCurrent() {
      return (await store.readStream(stream, { from: BigInt(book.stored), limit: 1 })).length === 0;
    },
    async holds(events) {
      const from = BigInt(firstOf(events).sequence);
      const there = await store.readStream(stream, { from, limit: events.length });
      const held = toStore(events).every(({ id }, index) => there[index]?.id === id);
      if (held) isStored(behind(events));
      return held;
    },
    isAtHand: (ids) => bounded?.window.isAtHand(ids) ?? true,
    async recall(ids) {
      await bounded?.window.recall(ids);
    },
    stopped: async () => bounded?.stopped(),
  };
}

type Bounded = {
  readonly window: RecordWindow;
  readonly index: RecordIndex;
  resume(): Promise<void>;
  durable(before: number): void;
  loaded(): void;
  stopped(): Promise<void>;
};

function boundedBy(memory: BookMemory, book: Book): Bounded {
  const { store, stream, state } = book;
  const { segments: table, filter, recordsMax, logger } = memory;
  const index = recordIndex({ table, filter, logger });
  const window = recordWindow({ store, stream, state, index, recordsMax });
  const storedHead = async (events: number) => {
    const [last] = await store.readStream(stream, { from: BigInt(events) - 1n, limit: 1 });
    return last && sha256Hex(last.payload);
  };
  const snapshots = createSnapshots({ memory, stream, state, index, head: () => book.head, storedHead });
  return {
    window,
    index,
    async resume() {
      const restored = await snapshots.restore();
      if (restored === undefined) return;
      book.head = restored.head;
      book.stored = state.length;
      index.warm();
    },
    durable(before) {
      window.durable(before);
      snapshots.durable(before);
    },
    loaded: () => snapshots.loaded(),
    stopped: () => snapshots.stopped(),
  };
}

/** Reads what is stored from where the state stands. */
async function readOn(book: Book, bounded: Bounded | undefined): Promise<void> {
  const { store, stream, state } = book;
  for await (const events of store.scanStream(stream, { from: BigInt(state.length) })) {
    for (let index = 0; index < events.length; index++) book.head = readOne(book, events[index]!, bounded);
    book.stored = state.length;
    bounded?.durable(state.length);
  }
}

/** The hash of the event, which is to be the one that the next event says. */
function readOne({ state, stream, head }: Book, stored: StoredEvent, bounded: Bounded | undefined): string {
  const { event, previousHash } = decodeBookEvent(stored);
  const sequence = Number(stored.revision);
  if (previousHash !== head) throw new AssertionError(`${stream}: the chain of hashes breaks at ${sequence}`);
  const hash = sha256Hex(stored.payload);
  apply(state, event, { sequence, reference: `0x${hash}` });
  bounded?.index.note(sequence, recordIdsOf(event));
  return hash;
}

type Encoded = ReturnType<typeof encodeBookEvent>;

function journaledOf(
  { type, version, payload }: Encoded,
  metadata: EventMetadata,
  sequence: number,
  at: string,
  hash: string,
): Journaled {
  return { type, version, payload, metadata, sequence, at, hash, reference: `0x${hash}` };
}

function encode(event: BookEvent, previousHash: string): Encoded {
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
  const last = events.at(-1)?.hash ?? '';
  const tail = `8${last.slice(0, 3)}-${last.slice(3, 15)}`;
  const toStored: NewEvent[] = [];
  for (const { type, version, payload, metadata, hash } of events) {
    const id = `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(12, 15)}-${tail}`;
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
