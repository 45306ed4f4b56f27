/**
 * What bounds a book's memory, held against the journal: the newest snapshot against a fold of all events before it, and
 * the record index, stored in segments and in that snapshot, against the ids of their events. An id that is missing there
 * could be taken a second time, so it is looked at entry by entry.
 */
import { mode as modes, type Mode } from '@daybook/contracts';
import type { EventStore } from '@daybook/event-store';
import type { Pool } from 'pg';
import { streamOf } from '../app/books';
import type { Violation } from '../app/check/findings';
import type { Examination } from '../app/check/invariant';
import { idsOf } from '../app/check/record-invariants';
import { storedIndex, type BookMemory, type StoredIndex, type StoredSnapshot } from './book-memory';
import { verifySnapshot } from './book-refold';
import { recordHashes } from './record-filter';
import { segmentEvents } from './record-index';
import { decodeBookEvent } from './stored-events';

type Memory = Pick<BookMemory, 'snapshots' | 'segments'>;
type Deps = { readonly store: EventStore; readonly memories: ReadonlyMap<Mode, Memory> };

export function snapshotExamination({ store, memories }: Deps): Examination {
  return {
    id: 'SNAPSHOT',
    rule: 'A snapshot is the state of the journal up to its place.',
    checked:
      "The newest snapshot of each book: its bytes, head and state against the engine's own fold from the first event.",
    elsewhere: 'That this fold is right: I1 to I6, by a fold of their own.',
    async examine(signal) {
      const found: Violation[] = [];
      for (const [mode, memory] of memories) {
        const verdict = await verifySnapshot(store, streamOf(mode), memory, signal);
        if (verdict === undefined || verdict.ok) continue;
        const { sequence, problem } = verdict;
        found.push({
          mode,
          sequence,
          where: `snapshot of ${sequence} events`,
          expected: 'the state of the journal',
          actual: problem,
        });
      }
      return found;
    },
  };
}

export function recordExamination({ store, memories, pool }: Deps & { readonly pool: Pool }): Examination {
  return {
    id: 'RECORDS',
    rule: 'The record index knows every id that its events touch, and no other.',
    checked: 'Every entry of every stored segment, and those that the newest snapshot keeps for it.',
    elsewhere: 'Ids of the newest events are in memory only.',
    async examine(signal) {
      const found: Violation[] = [];
      for (const [mode, { snapshots }] of memories) {
        const index = storedIndex(pool, streamOf(mode));
        found.push(...(await examineRecords({ store, mode, signal }, index, await newestKept(snapshots))));
      }
      return found;
    },
  };
}

type Kept = Pick<StoredSnapshot, 'sequence' | 'unstored'>;

/** Without the bytes of the state: they are let go before the journal is read. */
async function newestKept(snapshots: Memory['snapshots']): Promise<Kept | undefined> {
  const snapshot = await snapshots.latest();
  if (snapshot === undefined) return undefined;
  const { sequence, unstored } = snapshot;
  return { sequence, unstored };
}

type Book = { readonly store: EventStore; readonly mode: Mode; readonly signal: AbortSignal };
/** `first` is the event that a segment begins with. */
type Violate = (first: number | null, where: string, expected: string, actual: string) => void;

async function examineRecords(
  book: Book,
  index: StoredIndex,
  snapshot: Kept | undefined,
): Promise<readonly Violation[]> {
  const found: Violation[] = [];
  const violate: Violate = (sequence, where, expected, actual) =>
    found.push({ mode: book.mode, sequence, where, expected, actual });
  // Not the one that this process has read once: the next start goes by what is stored.
  const key = await index.key();
  if (key === undefined) {
    if (snapshot !== undefined || !(await index.isEmpty()))
      violate(null, 'record index', 'the key of its hashes', 'none');
    return found;
  }
  const hashOfId = recordHashes(key);
  let next = 0;
  for await (const { first, entries } of index.segments()) {
    book.signal.throwIfAborted();
    if (first !== next) violate(first, 'record index', `the segment from ${next}`, 'none');
    next = first + segmentEvents;
    if (!(await holds(book, first))) {
      violate(first, 'record index', 'segments of events that there are', `one from ${first}`);
      continue;
    }
    // What is looked for is looked for near its place.
    if (entries.some((entry, place) => place > 0 && entry < entries[place - 1]!))
      violate(first, 'record index', 'entries in their order', 'others');
    compareEntries(first, await entriesOf(book, first, next, hashOfId), new Set(entries), violate);
  }
  if (snapshot !== undefined) await examineUnstored(book, snapshot, hashOfId, violate);
  return found;
}

/** What a start takes into the index from a snapshot: the entries from the first segment on that was not stored. */
async function examineUnstored(
  book: Book,
  { sequence, unstored }: Kept,
  hashOfId: (id: string) => number,
  violate: Violate,
): Promise<void> {
  // One of events that there are not is told by the other examination.
  if (!(await holds(book, sequence - 1))) return;
  const kept = new Map<number, Set<number>>();
  const start = unstored[0] ?? Math.floor(sequence / segmentEvents) * segmentEvents;
  let last = start;
  for (let index = 0; index < unstored.length; index += 2) {
    const [first, entry] = [unstored[index]!, unstored[index + 1]!];
    if (first < last) violate(first, 'snapshot', 'entries of segments in their order', `${first} after ${last}`);
    last = first;
    kept.set(first, (kept.get(first) ?? new Set()).add(entry));
  }
  if (start % segmentEvents !== 0 || start < 0) return violate(null, 'snapshot', 'entries of a segment', `${start}`);
  for (let first = start; first < sequence; first += segmentEvents) {
    book.signal.throwIfAborted();
    const expected = await entriesOf(book, first, Math.min(first + segmentEvents, sequence), hashOfId);
    compareEntries(first, expected, kept.get(first) ?? new Set(), violate);
    kept.delete(first);
  }
  for (const [first, entries] of kept) compareEntries(first, new Set(), entries, violate);
}

/** Entries of a segment that are listed; one that is all wrong is told by these. */
const entriesMax = 20;

function compareEntries(
  first: number,
  expected: ReadonlySet<number>,
  stored: ReadonlySet<number>,
  violate: Violate,
): void {
  const placeOf = (entry: number) => `record index, event ${first + (entry % segmentEvents)}`;
  const missing = [...expected].filter((entry) => !stored.has(entry));
  const extra = [...stored].filter((entry) => !expected.has(entry));
  for (const entry of missing.slice(0, entriesMax)) violate(first, placeOf(entry), 'an entry of its id', 'none');
  for (const entry of extra.slice(0, entriesMax)) violate(first, placeOf(entry), 'no entry', `${entry}`);
}

/** To be asked after a row was read: what the row is about was stored before it. */
async function holds({ store, mode }: Book, sequence: number): Promise<boolean> {
  if (sequence < 0) return false;
  return (await store.readStream(streamOf(mode), { from: BigInt(sequence), limit: 1 })).length > 0;
}

async function entriesOf(
  { store, mode }: Book,
  first: number,
  end: number,
  hashOfId: (id: string) => number,
): Promise<ReadonlySet<number>> {
  const entries = new Set<number>();
  for await (const batch of store.scanStream(streamOf(mode), { from: BigInt(first), to: BigInt(end - 1) })) {
    for (const stored of batch) {
      for (const id of idsOf(decodeBookEvent(stored).event))
        entries.add(hashOfId(id) * segmentEvents + (Number(stored.revision) - first));
    }
  }
  return entries;
}

/** Tables that are made book by book, and what says of which book a row is. */
const tablesOfBooks = {
  merkle_nodes: 'mode',
  signed_checkpoints: 'mode',
  book_records: 'stream',
  book_record_keys: 'stream',
  book_snapshots: 'stream',
  book_snapshot_parts: 'stream',
} as const;

export function strayExamination(pool: Pool): Examination {
  const books = { mode: modes.options, stream: modes.options.map(streamOf) };
  return {
    id: 'STRAYS',
    rule: 'Every row of the tree, of the snapshots and of the record index is of a book.',
    checked: 'How many rows of these tables are of none.',
    elsewhere: 'Rows of the books: TREE, SNAPSHOT and RECORDS. Rows of read models that are of no book: their passes.',
    async examine() {
      const found: Violation[] = [];
      for (const [table, column] of Object.entries(tablesOfBooks) as [string, keyof typeof books][]) {
        const { rows } = await pool.query<{ book: string; count: string }>(
          `select ${column} as book, count(*) from ${table} where ${column} <> all ($1) group by ${column}`,
          [books[column]],
        );
        for (const { book, count } of rows)
          found.push({ mode: null, sequence: null, where: table, expected: 'no row', actual: `${count} of ${book}` });
      }
      return found;
    },
  };
}
