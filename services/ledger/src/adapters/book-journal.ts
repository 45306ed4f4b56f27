/**
 * A book and its stream: the state in memory, the chain of hashes, and the place in the stream where the next append
 * goes. `add` seals events and applies them at once; `append` makes sealed events durable, in the order of their adding.
 *
 * With a memory (`book-memory.ts`) it starts from the newest snapshot and reads only what came after it, keeps the
 * records of recent commands only, and writes a snapshot every so many events. A snapshot is of durable events: the state
 * is captured when an append is through, and written when all that it holds is. Without a memory everything stays in
 * memory, as tests and tools want it.
 */
import { randomUUID } from 'node:crypto';
import { AssertionError } from '@daybook/core';
import type { EventStore, StoredEvent } from '@daybook/event-store';
import { sha256Hex } from '@daybook/runtime';
import type { BookEvent } from '../domain/book-events';
import { apply, emptyBook, type BookState } from '../domain/book-state';
import { recordIdsOf } from '../domain/records';
import type { BookJournal, SealedEvents } from '../ports';
import type { BookMemory } from './book-memory';
import { createSnapshots } from './book-snapshots';
import { recordIndex, type RecordIndex } from './record-index';
import { recordWindow, type RecordWindow } from './record-window';
import { authorOf, hashOf, identify, seal, sealedPool, unseal, type Author } from './sealed-events';
import { decodeBookEvent, genesisHash } from './stored-events';

type Book = {
  readonly store: EventStore;
  readonly stream: string;
  readonly author: Author;
  readonly state: BookState;
  /** Hash of the last event. */
  head: string;
  /** Events known to be stored; the state is ahead of it by what is sealed and not appended. */
  stored: number;
  /** An event is being applied. When that fails the state is neither that before it nor that after it, and stays so. */
  isTorn: boolean;
};

/** `author` is nobody else's. It is given only where events are to have the same ids in every run. */
export function bookJournal(
  store: EventStore,
  stream: string,
  memory?: BookMemory,
  author: string = randomUUID(),
): BookJournal {
  const book = unreadBook(store, stream, author);
  const { state } = book;
  const bounded = memory && boundedBy(memory, book);
  const batches = sealedPool();
  const applySealed = applierOf(book, bounded?.window);
  const isStored = (before: number) => {
    book.stored = before;
    if (!book.isTorn) bounded?.durable(before);
  };

  return {
    state,
    head: () => book.head,
    async load() {
      if (state.length === 0) await bounded?.resume();
      await readOn(book, bounded);
      bounded?.loaded();
    },
    begin: batches.begin,
    add(events, metadata, sealed) {
      if (events.length === 0) throw new AssertionError('no events');
      const { hashes } = sealed;
      const from = hashes.length;
      let last = book.head;
      try {
        for (let index = 0; index < events.length; index++) last = seal(sealed, events[index]!, last, metadata);
      } catch (error) {
        unseal(sealed, from);
        throw error;
      }
      if (from === 0) sealed.first = state.length;
      const reference = applySealed(events, hashes, from);
      book.head = last;
      return reference;
    },
    sealer() {
      let last = book.head;
      return (event) => {
        last = hashOf(event, last);
        return `0x${last}`;
      };
    },
    async append(sealed) {
      const behind = sealed.first + sealed.columns.length;
      await appendTo(book, sealed);
      // An attempt that was given up may still be on its way with them.
      if (sealed.attempts === 1) batches.done(sealed);
      isStored(behind);
    },
    async isCurrent() {
      return (await store.readStream(stream, { from: BigInt(book.stored), limit: 1 })).length === 0;
    },
    async holds(sealed) {
      const held = await isHeld(book, sealed);
      if (held) isStored(sealed.first + sealed.columns.length);
      return held;
    },
    isAtHand: (ids) => bounded?.window.isAtHand(ids) ?? true,
    async recall(ids) {
      await bounded?.window.recall(ids);
    },
    async stopped() {
      if (!book.isTorn) await bounded?.stopped();
    },
  };
}

function unreadBook(store: EventStore, stream: string, author: string): Book {
  const state = emptyBook();
  return { store, stream, author: authorOf(author), state, head: genesisHash, stored: 0, isTorn: false };
}

/** Applies events whose hashes stand from `from` on, and returns the reference of the last. */
function applierOf(book: Book, window: RecordWindow | undefined) {
  const { state } = book;
  // One for all events: it is not kept by what it is given to.
  const place = { sequence: 0, reference: '' };
  return (events: readonly BookEvent[], hashes: readonly string[], from: number): string => {
    book.isTorn = true;
    for (let index = 0; index < events.length; index++) {
      const event = events[index]!;
      place.sequence = state.length;
      place.reference = `0x${hashes[from + index]!}`;
      apply(state, event, place);
      window?.applied(event, place.sequence);
    }
    book.isTorn = false;
    return place.reference;
  };
}

async function appendTo({ store, stream, author }: Book, sealed: SealedEvents): Promise<void> {
  sealed.attempts += 1;
  if (sealed.attempts === 1) identify(sealed, author);
  await store.append(stream, sealed.columns, sealed.first === 0 ? 'no_stream' : BigInt(sealed.first) - 1n);
}

async function isHeld({ store, stream }: Book, { first, columns }: SealedEvents): Promise<boolean> {
  const events = [...columns];
  const there = await store.readStream(stream, { from: BigInt(first), limit: events.length });
  return events.every(({ id }, index) => there[index]?.id === id);
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
  state.records.askFirst(index.mayHave);
  const snapshots = createSnapshots({ memory, stream, state, index, head: () => book.head, storedHead });
  let isLoaded = false;
  return {
    window,
    index,
    async resume() {
      await index.open();
      const restored = await snapshots.restore();
      if (restored === undefined) return;
      book.head = restored.head;
      book.stored = state.length;
    },
    durable(before) {
      window.durable(before);
      snapshots.durable(before);
    },
    loaded() {
      // What is read of another writer's afterwards is little each time, and that writer takes the snapshots.
      if (isLoaded) return;
      isLoaded = true;
      // Only now: whoever waits for the book waits for no more than it needs.
      index.warm();
      snapshots.loaded();
    },
    stopped: () => snapshots.stopped(),
  };
}

/** Reads what is stored from where the state stands. */
async function readOn(book: Book, bounded: Bounded | undefined): Promise<void> {
  const { store, stream, state } = book;
  for await (const events of store.scanStream(stream, { from: BigInt(state.length), bare: true })) {
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
  if (bounded !== undefined) noteIn(bounded.index, event, sequence);
  return hash;
}

function noteIn(index: RecordIndex, event: BookEvent, sequence: number): void {
  for (const id of recordIdsOf(event)) {
    const hash = index.hashOf(id);
    index.expect(hash);
    index.note(sequence, hash);
  }
}
