/**
 * What bounds a book's memory and the time to start it: the record index and the snapshots, in tables of the ledger's
 * schema. Both follow from the journal and can be deleted while no engine runs; then the book is folded from its first
 * event. An engine that finds segments missing stops.
 */
import type { Logger } from '@daybook/runtime';
import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { bytesOf, numbersOf } from './number-bytes';
import { createRecordFilter, recordKeyBytes, type RecordFilter } from './record-filter';
import { hashOf, placeInSegment, segmentEvents, type SegmentTable, type StoredSegment } from './record-index';
import { snapshotTable } from './snapshot-table';

export type StoredSnapshot = {
  readonly sequence: number;
  /** Hash of the last event before it. */
  readonly head: string;
  readonly stateHash: string;
  readonly parts: readonly Buffer[];
  readonly unstored: Float64Array;
};

export type SnapshotTable = {
  /** The newest, or nothing. */
  latest(): Promise<StoredSnapshot | undefined>;
  /** Parts are stored as they come; the snapshot is there when the last one is. One that is there already stays. */
  add(
    snapshot: Omit<StoredSnapshot, 'parts' | 'stateHash'>,
    parts: AsyncIterable<Buffer>,
    stateHash: () => string,
  ): Promise<void>;
};

export type BookMemory = {
  readonly segments: SegmentTable & { count(before: number): Promise<number> };
  readonly snapshots: SnapshotTable;
  readonly filter: RecordFilter;
  /** Closed records that stay in memory, about. */
  readonly recordsMax: number;
  /** Events from one snapshot to the next. */
  readonly snapshotEvery: number;
  readonly logger: Logger;
};

export type BookMemorySettings = Pick<BookMemory, 'recordsMax' | 'snapshotEvery' | 'logger'> & {
  readonly pool: Pool;
  readonly filterBytes: number;
};

/** Of one book. The filter stays when the book is loaded again. */
export function bookMemory(stream: string, settings: BookMemorySettings): BookMemory {
  const { pool, filterBytes, recordsMax, snapshotEvery, logger } = settings;
  return {
    segments: segmentTable(pool, stream),
    snapshots: snapshotTable(pool, stream),
    filter: createRecordFilter(filterBytes),
    recordsMax,
    snapshotEvery,
    logger,
  };
}

const segmentsPerRead = 8;
/** More hashes than this are looked for in whole segments. */
const hashesApart = 16;
/** Ids are their callers' choice, so their hashes may lie elsewhere than expected; then the whole segment is read. */
const reach = 1_024;

function segmentTable(pool: Pool, stream: string): BookMemory['segments'] {
  async function* between(start: number, sequence: number): AsyncGenerator<StoredSegment> {
    for (let from = start; from < sequence; from += segmentsPerRead * segmentEvents) {
      const { rows } = await pool.query<{ first_sequence: string; entries: Buffer }>(
        `select first_sequence, entries from book_records
          where stream = $1 and first_sequence >= $2 and first_sequence < $3 order by first_sequence`,
        [stream, from, Math.min(from + segmentsPerRead * segmentEvents, sequence)],
      );
      for (const row of rows) yield { first: Number(row.first_sequence), entries: numbersOf(row.entries) };
    }
  }
  const before = (sequence: number) => between(0, sequence);
  let known: Buffer | undefined;
  return {
    key: async () => (known ??= await recordKeyOf(pool, stream)),
    before,
    async add({ first, entries }) {
      await pool.query(
        `insert into book_records (stream, first_sequence, count, entries) values ($1, $2, $3, $4)
         on conflict (stream, first_sequence) do update set count = excluded.count, entries = excluded.entries
           where book_records.entries is distinct from excluded.entries`,
        [stream, first, entries.length, bytesOf(entries)],
      );
    },
    async *near(hashes, sequence) {
      if (hashes.length > hashesApart) {
        yield* before(sequence);
        return;
      }
      const { rows } = await pool.query<Excerpt>(
        `select first_sequence, n::integer, count, start, substr(entries, 1 + 8 * start, 16 * $3) as entries
           from book_records cross join unnest($2::float8[]) with ordinality as wanted (place, n)
                cross join lateral (select greatest(0, floor(place * count)::integer - $3) as start) excerpt
          where stream = $1 and first_sequence < $4`,
        [stream, hashes.map(placeInSegment), reach, sequence],
      );
      for (const row of rows) {
        const first = Number(row.first_sequence);
        const entries = numbersOf(row.entries);
        if (isAround(hashes[row.n - 1]!, entries, row)) yield { first, entries };
        else yield* between(first, first + 1);
      }
    },
    async count(sequence) {
      const { rows } = await pool.query<{ count: string }>(
        'select count(*) from book_records where stream = $1 and first_sequence < $2',
        [stream, sequence],
      );
      return Number(rows[0]!.count);
    },
  };
}

/** What is stored of the record index, wherever it says that it belongs: for those who check it. */
export type StoredIndex = {
  key(): Promise<Uint8Array | undefined>;
  isEmpty(): Promise<boolean>;
  /** In order. */
  segments(): AsyncIterable<StoredSegment>;
};

export function storedIndex(pool: Pool, stream: string): StoredIndex {
  const after = async (first: string | null) => {
    const { rows } = await pool.query<{ first_sequence: string; entries: Buffer }>(
      `select first_sequence, entries from book_records
        where stream = $1 and ($2::bigint is null or first_sequence > $2) order by first_sequence limit $3`,
      [stream, first, segmentsPerRead],
    );
    return rows;
  };
  return {
    key: () => storedKeyOf(pool, stream),
    isEmpty: async () => (await after(null)).length === 0,
    async *segments() {
      for (let rows = await after(null); rows.length > 0; rows = await after(rows.at(-1)!.first_sequence)) {
        for (const row of rows) yield { first: Number(row.first_sequence), entries: numbersOf(row.entries) };
      }
    },
  };
}

async function storedKeyOf(pool: Pool, stream: string): Promise<Buffer | undefined> {
  const { rows } = await pool.query<{ key: Buffer }>('select key from book_record_keys where stream = $1', [stream]);
  return rows[0]?.key;
}

/** A book without a key gets one, and begins its index and its snapshots anew. */
async function recordKeyOf(pool: Pool, stream: string): Promise<Buffer> {
  const key = await storedKeyOf(pool, stream);
  if (key !== undefined) return key;
  // What was noted under a key that is gone would never be found, and its ids would be taken for new ones.
  await pool.query(
    `with made as (insert into book_record_keys (stream, key) values ($1, $2)
                   on conflict (stream) do nothing returning stream),
          records as (delete from book_records where stream in (select stream from made)),
          parts as (delete from book_snapshot_parts where stream in (select stream from made))
     delete from book_snapshots where stream in (select stream from made)`,
    [stream, randomBytes(recordKeyBytes)],
  );
  return (await storedKeyOf(pool, stream))!;
}

/** Entries of a segment from `start` on; `n` counts the hashes that they were read for. */
type Excerpt = {
  readonly first_sequence: string;
  readonly n: number;
  readonly count: number;
  readonly start: number;
  readonly entries: Buffer;
};

/** Whether no entry of this hash stands before or behind the excerpt. */
function isAround(hash: number, entries: Float64Array, { start, count }: Pick<Excerpt, 'start' | 'count'>): boolean {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return count === 0;
  return (start === 0 || hashOf(first) < hash) && (start + entries.length === count || hashOf(last) > hash);
}
