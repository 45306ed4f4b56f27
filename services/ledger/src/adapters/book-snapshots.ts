/**
 * When a book's snapshots are taken, and whether one can be started from. A snapshot that does not fit is ignored with a
 * warning, and the book is folded from its first event: its bytes have to have the hash that was stored with them and the
 * format of this build, the journal has to stand where it was taken, and the record index has to have all segments before
 * it, since its closed records are only there.
 */
import { createHash } from 'node:crypto';
import type { BookState } from '../domain/book-state';
import type { BookMemory, StoredSnapshot } from './book-memory';
import { captureState, restoreState, snapshotParts, type CapturedState } from './book-snapshot';
import { segmentEvents, type RecordIndex } from './record-index';

type Deps = {
  readonly memory: BookMemory;
  readonly stream: string;
  readonly state: BookState;
  readonly index: RecordIndex;
  readonly head: () => string;
  /** Hash of the last of so many events, as they are stored; undefined when there are fewer. */
  readonly storedHead: (events: number) => Promise<string | undefined>;
};

export type Snapshots = {
  /** Brings the state to the newest snapshot; undefined, and nothing done, when there is none that fits. */
  restore(): Promise<{ readonly head: string } | undefined>;
  /** All events before this one are durable. */
  durable(before: number): void;
  /** The stream was read to its end. What took long to read is not read again by the next start. */
  loaded(): void;
  /** Nothing is added any more, and all of the state is durable: the next start is to find it in a snapshot. */
  stopped(): Promise<void>;
};

/** A stop takes no longer for its snapshot. Without it the next start reads more. */
const stopWithinMs = 5_000;

export function createSnapshots({ memory, stream, state, index, head, storedHead }: Deps): Snapshots {
  const { snapshots, segments, logger, snapshotEvery } = memory;
  let newest = 0;
  let captured: CapturedState | undefined;
  let writing: Promise<void> | undefined;
  let deadline = Infinity;

  function save(taken: CapturedState): Promise<void> {
    writing = write(taken).finally(() => (writing = undefined));
    return writing;
  }

  async function write(taken: CapturedState): Promise<void> {
    const hash = createHash('sha256');
    const pause = async () => {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (performance.now() > deadline) throw new Error('the stop takes too long');
    };
    try {
      const unstored = index.unstored(taken.sequence);
      const { sequence } = taken;
      await snapshots.add({ sequence, head: taken.head, unstored }, hashed(taken, hash, pause), () =>
        hash.digest('hex'),
      );
      newest = sequence;
      logger.info({ stream, sequence, accounts: taken.accounts.length }, 'snapshot written');
    } catch (error) {
      // The next one is tried when as many events have come again.
      newest = taken.sequence;
      logger.warn({ error, stream }, 'a snapshot could not be written');
    }
  }

  /** Writing one takes as long as there are accounts: no more of them than events go into snapshots. */
  const due = () => Math.max(snapshotEvery, state.accounts.size);

  /** What is worth a snapshot although it is not due: a hundredth of what a start may read. */
  const isMuch = () => state.length - newest >= snapshotEvery / 100;

  return {
    async restore() {
      const snapshot = await snapshots.latest();
      if (snapshot === undefined) return undefined;
      const ignore = (problem: string) => {
        logger.warn({ stream, sequence: snapshot.sequence, problem }, 'snapshot ignored: the whole book is read');
        return undefined;
      };
      const examined = await examineSnapshot(snapshot, segments);
      if (!examined.ok) return ignore(examined.problem);
      if ((await storedHead(snapshot.sequence)) !== snapshot.head) return ignore('its head is not that of the journal');
      Object.assign(state, restoreInto(state, examined.state));
      index.resume(snapshot.sequence, snapshot.unstored);
      newest = snapshot.sequence;
      return { head: snapshot.head };
    },
    durable(before) {
      if (captured === undefined && writing === undefined && before - newest >= due())
        captured = captureState(state, head());
      if (captured !== undefined && captured.sequence <= before) {
        const taken = captured;
        captured = undefined;
        void save(taken);
      }
    },
    loaded() {
      if (captured === undefined && writing === undefined && isMuch()) void save(captureState(state, head()));
    },
    async stopped() {
      deadline = performance.now() + stopWithinMs;
      await writing;
      if (isMuch()) await save(captureState(state, head()));
    },
  };
}

/** The maps of the state are known to others, so they are filled and not replaced. */
function restoreInto(state: BookState, restored: BookState): Partial<BookState> {
  for (const [id, account] of restored.accounts) state.accounts.set(id, account);
  for (const [id, record] of restored.records) state.records.set(id, record);
  for (const id of restored.open) state.open.add(id);
  const { accounts: _accounts, records: _records, open: _open, ...rest } = restored;
  return rest;
}

async function* hashed(
  captured: CapturedState,
  hash: { update(bytes: Buffer): unknown },
  pause: () => Promise<void>,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const part of snapshotParts(captured, pause)) {
    hash.update(part);
    yield part;
  }
}

export type ExaminedSnapshot =
  { readonly ok: true; readonly state: BookState } | { readonly ok: false; readonly problem: string };

/** Whether it is whole, of this build, and has the record index that it needs. */
export async function examineSnapshot(
  snapshot: StoredSnapshot,
  segments: BookMemory['segments'],
): Promise<ExaminedSnapshot> {
  const { parts, stateHash, unstored, sequence } = snapshot;
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  if (hash.digest('hex') !== stateHash) return { ok: false, problem: 'its bytes do not have its hash' };
  let state: BookState;
  try {
    state = restoreState(parts);
  } catch (error) {
    return { ok: false, problem: (error as Error).message };
  }
  if (state.length !== sequence) return { ok: false, problem: `it holds ${state.length} events` };
  const firstUnstored = unstored.length === 0 ? Math.floor(sequence / segmentEvents) * segmentEvents : unstored[0]!;
  const stored = await segments.count(firstUnstored);
  if (stored !== firstUnstored / segmentEvents) return { ok: false, problem: 'the record index has gaps' };
  return { ok: true, state };
}
