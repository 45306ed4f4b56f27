/**
 * What bounds a book's memory, held against the journal: the newest snapshot against a fold of all events before it, and
 * the stored segments of the record index against the ids of their events. An id that is missing there could be taken a
 * second time, so it is looked at entry by entry.
 */
import type { Mode } from '@daybook/contracts';
import type { EventStore } from '@daybook/event-store';
import { streamOf } from '../app/books';
import type { Violation } from '../app/check/findings';
import type { Examination } from '../app/check/invariant';
import { idsOf } from '../app/check/record-invariants';
import type { BookMemory } from './book-memory';
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

/** Entries of a segment that are listed; one that is all wrong is told by these. */
const entriesMax = 20;

export function recordExamination({ store, memories }: Deps): Examination {
  return {
    id: 'RECORDS',
    rule: 'The record index knows every id that its events touch, and no other.',
    checked: 'Every entry of every stored segment.',
    elsewhere: 'Ids of the newest events are in memory only.',
    async examine(signal) {
      const found: Violation[] = [];
      for (const [mode, { segments }] of memories) {
        const hashOfId = recordHashes(await segments.key());
        let next = 0;
        for await (const { first, entries } of segments.before(await lengthOf(store, mode))) {
          signal.throwIfAborted();
          const violate = (where: string, expected: string, actual: string) =>
            found.push({ mode, sequence: first, where, expected, actual });
          if (first !== next) violate('record index', `the segment from ${next}`, 'none');
          next = first + segmentEvents;
          const expected = await entriesOf(store, mode, first, hashOfId);
          const stored = new Set(entries);
          const missing = [...expected].filter((entry) => !stored.has(entry));
          const extra = [...stored].filter((entry) => !expected.has(entry));
          for (const entry of missing.slice(0, entriesMax))
            violate(placeOf(first, entry), 'an entry of its id', 'none');
          for (const entry of extra.slice(0, entriesMax)) violate(placeOf(first, entry), 'no entry', `${entry}`);
        }
      }
      return found;
    },
  };
}

function placeOf(first: number, entry: number): string {
  return `record index, event ${first + (entry % segmentEvents)}`;
}

/** More events than the book has by now: segments behind its end are looked at too. */
async function lengthOf(store: EventStore, mode: Mode): Promise<number> {
  let length = segmentEvents;
  while ((await store.readStream(streamOf(mode), { from: BigInt(length), limit: 1 })).length > 0) length *= 2;
  return length + 8 * segmentEvents;
}

async function entriesOf(
  store: EventStore,
  mode: Mode,
  first: number,
  hashOfId: (id: string) => number,
): Promise<ReadonlySet<number>> {
  const entries = new Set<number>();
  const range = { from: BigInt(first), to: BigInt(first + segmentEvents - 1) };
  for await (const batch of store.scanStream(streamOf(mode), range)) {
    for (const stored of batch) {
      for (const id of idsOf(decodeBookEvent(stored).event))
        entries.add(hashOfId(id) * segmentEvents + (Number(stored.revision) - first));
    }
  }
  return entries;
}
