/**
 * Where in its book an id was recorded, for ever, without holding all ids in memory. Entries are of durable events only,
 * in their order, and are collected in segments of 65,536 events: the last one in memory, the others sorted by hash in
 * one stored row each, which is written in the background and costs eight bytes an id. What is read from it are places
 * where an id may stand; the events there tell.
 *
 *   entry     37 bits hash of the id · 16 bits place of the event in its segment, as a number below 2^53
 *   segment   events n * 65,536 to (n + 1) * 65,536 - 1, so that everyone who writes a segment writes the same
 *
 * The filter holds the hashes of all entries, once it is warm; until then every id may have been recorded. A segment
 * leaves memory when its row is stored, and whoever looks, looks in memory first and then at the rows: so no entry is
 * missed while it moves.
 */
import { assert, AssertionError } from '@daybook/core';
import type { Logger } from '@daybook/runtime';
import { hashLimit, recordHashes, type RecordFilter } from './record-filter';

export const segmentEvents = 65_536;

export type StoredSegment = { readonly first: number; readonly entries: Float64Array };

/** Stored segments of one book. */
export type SegmentTable = {
  /** The secret of this book's hashes, made when it is asked for first. */
  key(): Promise<Uint8Array>;
  /** Replaces what is there, which is the same unless it was stored for a journal that has been replaced. */
  add(segment: StoredSegment): Promise<void>;
  /** All before this event, in order. */
  before(sequence: number): AsyncIterable<StoredSegment>;
  /** Of every segment before this event those parts, perhaps empty, in which entries of these hashes are if there are any. */
  near(hashes: readonly number[], sequence: number): AsyncIterable<StoredSegment>;
};

export type RecordIndex = {
  /** Before anything else. */
  open(): Promise<void>;
  hashOf(id: string): number;
  /** From now on the id of this hash may have been recorded. */
  expect(hash: number): void;
  /** The hash of an id that a durable event touches, and that is expected. Events come in their order. */
  note(sequence: number, hash: number): void;
  /** False when the id was certainly never expected. */
  mayHave(id: string): boolean;
  /** Places of all events that may touch these ids, in order. */
  placesOf(ids: Iterable<string>): Promise<readonly number[]>;
  /** Entries that no stored row has yet, for events before this one. For a snapshot. */
  unstored(before: number): Float64Array;
  /** Takes up after a snapshot of events before `sequence`, with what `unstored` gave for it. */
  resume(sequence: number, unstored: Float64Array): void;
  /** Reads the stored segments into the filter, in the background. */
  warm(): void;
};

type Deps = { readonly table: SegmentTable; readonly filter: RecordFilter; readonly logger: Logger };

/** A segment being collected. Entries are not sorted. */
type Open = { first: number; entries: Float64Array; count: number };

export function recordIndex({ table, filter, logger }: Deps): RecordIndex {
  let open: Open = openSegment(0);
  const sealed = sealedSegments({ table, logger });
  const warming = warmUp({ table, filter, logger });

  const sealUntil = (sequence: number) => {
    while (sequence >= open.first + segmentEvents) {
      sealed.add(open.first, open.entries.slice(0, open.count).sort());
      open = openSegment(open.first + segmentEvents);
    }
  };

  const hashes = idHashes();

  return {
    async open() {
      hashes.open(await table.key());
    },
    hashOf: hashes.of,
    expect: filter.add,
    note(sequence, hash) {
      sealUntil(sequence);
      push(open, hash * segmentEvents + (sequence - open.first));
    },
    mayHave: (id) => !warming.isWarm() || filter.has(hashes.of(id)),
    async placesOf(ids) {
      const wanted = new Set([...ids].map(hashes.of));
      const places = new Set<number>();
      const look = (first: number, entries: Float64Array) => {
        for (const entry of entries) if (wanted.has(hashOf(entry))) places.add(first + (entry % segmentEvents));
      };
      const before = open.first;
      const seen = new Set<number>();
      look(open.first, open.entries.subarray(0, open.count));
      for (const [first, entries] of sealed.all()) {
        look(first, entries);
        seen.add(first);
      }
      if (before > 0) {
        for await (const { first, entries } of table.near([...wanted], before)) {
          look(first, entries);
          seen.add(first);
        }
      }
      assertComplete(seen, before);
      warming.begin();
      return [...places].toSorted((a, b) => a - b);
    },
    unstored: (before) => entriesBefore([...sealed.all(), [open.first, open.entries.subarray(0, open.count)]], before),
    resume(sequence, unstored) {
      const storedBefore = unstored[0] ?? Math.floor(sequence / segmentEvents) * segmentEvents;
      open = openSegment(storedBefore);
      for (let index = 0; index < unstored.length; index += 2) {
        const [first, entry] = [unstored[index]!, unstored[index + 1]!];
        sealUntil(first);
        filter.add(hashOf(entry));
        push(open, entry);
      }
      sealUntil(sequence);
      warming.resumeAt(storedBefore);
    },
    warm: () => warming.begin(),
  };
}

/** A command's id is hashed when it is looked for, and noted soon after. */
function idHashes(): { open(key: Uint8Array): void; of(id: string): number } {
  let keyed: ((id: string) => number) | undefined;
  let lastId = '';
  let lastHash = -1;
  return {
    open: (key) => void (keyed ??= recordHashes(key)),
    of(id) {
      if (id !== lastId || lastHash < 0) {
        if (keyed === undefined) throw new AssertionError('the record index is not open');
        lastHash = keyed(id);
        lastId = id;
      }
      return lastHash;
    },
  };
}

/** An id in a segment that was lost would be taken for a new one. The next start finds the gap and reads the whole book. */
function assertComplete(seen: ReadonlySet<number>, before: number): void {
  for (let first = 0; first < before; first += segmentEvents)
    assert(seen.has(first), `the record index has lost its segment from ${first}`);
}

function openSegment(first: number): Open {
  return { first, entries: new Float64Array(1_024), count: 0 };
}

function push(open: Open, entry: number): void {
  if (open.count === open.entries.length) {
    const grown = new Float64Array(open.count * 2);
    grown.set(open.entries);
    open.entries = grown;
  }
  open.entries[open.count++] = entry;
}

/** Those of events before this one, each behind the first event of its segment. In one pass: commands wait for it. */
function entriesBefore(segments: readonly (readonly [number, Float64Array])[], before: number): Float64Array {
  const flat = new Float64Array(2 * segments.reduce((count, [, entries]) => count + entries.length, 0));
  let length = 0;
  for (const [first, entries] of segments) {
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index]!;
      if (first + (entry % segmentEvents) >= before) continue;
      flat[length++] = first;
      flat[length++] = entry;
    }
  }
  return flat.slice(0, length);
}

/** Segments that are complete and not known to be stored. They are written one after the other. */
function sealedSegments({ table, logger }: Pick<Deps, 'table' | 'logger'>) {
  const segments = new Map<number, Float64Array>();
  let storing = false;
  async function store(): Promise<void> {
    if (storing) return;
    storing = true;
    try {
      for (const [first, entries] of segments) {
        await table.add({ first, entries });
        segments.delete(first);
      }
    } catch (error) {
      // It stays in memory, and goes with the next one.
      logger.warn({ error, segments: segments.size }, 'a segment of the record index could not be stored');
    } finally {
      storing = false;
    }
  }
  return {
    all: () => segments,
    add(first: number, entries: Float64Array) {
      segments.set(first, entries);
      void store();
    },
  };
}

/** Until the stored segments are in the filter, it knows only the ids of events that were read since. */
function warmUp({ table, filter, logger }: Deps) {
  let warm = true;
  let running = false;
  let storedBefore = 0;
  async function run(): Promise<void> {
    running = true;
    try {
      const seen = new Set<number>();
      for await (const { first, entries } of table.before(storedBefore)) {
        seen.add(first);
        for (let from = 0; from < entries.length; from += entriesPerTurn) {
          for (const entry of entries.subarray(from, from + entriesPerTurn)) filter.add(hashOf(entry));
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      assertComplete(seen, storedBefore);
      warm = true;
    } catch (error) {
      logger.warn({ error }, 'the record index could not be read; every id is looked up until it can');
    } finally {
      running = false;
    }
  }
  return {
    isWarm: () => warm,
    resumeAt(sequence: number) {
      storedBefore = sequence;
      warm = sequence === 0;
    },
    begin() {
      if (!warm && !running) void run();
    },
  };
}

const entriesPerTurn = 16_384;

export function hashOf(entry: number): number {
  return Math.floor(entry / segmentEvents);
}

/** Where in a sorted segment entries of a hash are to be expected, as a share of its length. */
export function placeInSegment(hash: number): number {
  return hash / hashLimit;
}
