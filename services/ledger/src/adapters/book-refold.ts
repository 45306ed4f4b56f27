/** A book folded from its journal alone, to hold against what was made of it on the way. */
import type { EventStore } from '@daybook/event-store';
import type { BookState } from '../domain/book-state';
import { isOpen } from '../domain/records';
import type { BookJournal } from '../ports';
import { bookJournal } from './book-journal';
import type { BookMemory } from './book-memory';
import { captureState, hashOfState } from './book-snapshot';
import { examineSnapshot } from './book-snapshots';

/**
 * The state and the chain's head after the first `events` events, folded from the journal alone. It takes the memory of
 * the accounts and open records, however long the book is.
 */
export async function refoldBook(
  store: EventStore,
  stream: string,
  events: number,
  signal?: AbortSignal,
): Promise<{ readonly state: BookState; readonly head: string; readonly stateHash: string }> {
  const upTo: EventStore = {
    ...store,
    async *scanStream(name, range) {
      for await (const batch of store.scanStream(name, { ...range, to: BigInt(events) - 1n })) {
        signal?.throwIfAborted();
        yield batch;
        // A state is its accounts and open records; all others would be as many as there are events.
        journal.state.records.turn((_id, record) => (isOpen(record) ? 'apart' : 'forgotten'));
      }
    },
  };
  const journal: BookJournal = bookJournal(upTo, stream);
  if (events > 0) await journal.load();
  const head = journal.head();
  return { state: journal.state, head, stateHash: await hashOfState(captureState(journal.state, head)) };
}

export type SnapshotVerdict =
  | { readonly sequence: number; readonly ok: true }
  | { readonly sequence: number; readonly ok: false; readonly problem: string };

type Memory = Pick<BookMemory, 'snapshots' | 'segments'>;

/** Compares the newest snapshot with the journal; undefined when there is none. */
export async function verifySnapshot(
  store: EventStore,
  stream: string,
  memory: Memory,
  signal?: AbortSignal,
): Promise<SnapshotVerdict | undefined> {
  const snapshot = await examineNewest(memory);
  if (snapshot === undefined) return undefined;
  const { sequence, problem } = snapshot;
  if (problem !== null) return { sequence, ok: false, problem };
  const { head, stateHash } = await refoldBook(store, stream, sequence, signal);
  if (head !== snapshot.head) return { sequence, ok: false, problem: 'its head is not that of the journal' };
  if (stateHash !== snapshot.stateHash) return { sequence, ok: false, problem: 'its state is not that of the journal' };
  return { sequence, ok: true };
}

/** Without its bytes and the state in them: they are let go before the journal is folded. */
async function examineNewest({ snapshots, segments }: Memory) {
  const snapshot = await snapshots.latest();
  if (snapshot === undefined) return undefined;
  const { sequence, head, stateHash } = snapshot;
  const examined = await examineSnapshot(snapshot, segments);
  return { sequence, head, stateHash, problem: examined.ok ? null : examined.problem };
}
