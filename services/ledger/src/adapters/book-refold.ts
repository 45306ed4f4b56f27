/** A book folded from its journal alone, to hold against what was made of it on the way. */
import type { EventStore } from '@daybook/event-store';
import type { BookState } from '../domain/book-state';
import { bookJournal } from './book-journal';
import type { BookMemory } from './book-memory';
import { captureState, hashOfState } from './book-snapshot';
import { examineSnapshot } from './book-snapshots';

/** The state and the chain's head after the first `events` events, folded from the journal alone. */
export async function refoldBook(
  store: EventStore,
  stream: string,
  events: number,
): Promise<{ readonly state: BookState; readonly head: string; readonly stateHash: string }> {
  const upTo: EventStore = {
    ...store,
    scanStream: (name, range) => store.scanStream(name, { ...range, to: BigInt(events) - 1n }),
  };
  const journal = bookJournal(upTo, stream);
  if (events > 0) await journal.load();
  const head = journal.head();
  return { state: journal.state, head, stateHash: await hashOfState(captureState(journal.state, head)) };
}

export type SnapshotVerdict =
  | { readonly sequence: number; readonly ok: true }
  | { readonly sequence: number; readonly ok: false; readonly problem: string };

/** Compares the newest snapshot with the journal; undefined when there is none. */
export async function verifySnapshot(
  store: EventStore,
  stream: string,
  { snapshots, segments }: Pick<BookMemory, 'snapshots' | 'segments'>,
): Promise<SnapshotVerdict | undefined> {
  const snapshot = await snapshots.latest();
  if (snapshot === undefined) return undefined;
  const { sequence } = snapshot;
  const examined = await examineSnapshot(snapshot, segments);
  if (!examined.ok) return { sequence, ...examined };
  const { head, stateHash } = await refoldBook(store, stream, sequence);
  if (head !== snapshot.head) return { sequence, ok: false, problem: 'its head is not that of the journal' };
  if (stateHash !== snapshot.stateHash) return { sequence, ok: false, problem: 'its state is not that of the journal' };
  return { sequence, ok: true };
}
