/**
 * Holds the stored tree and the index of signed checkpoints against the journal: every hash of a complete subtree, and
 * every checkpoint with the root and the head that it signs, is what the events give.
 */
import type { Mode } from '@daybook/contracts';
import {
  CheckpointError,
  createFrontier,
  eventHash,
  genesisHash,
  parseCheckpoint,
  type Checkpoint,
  type SignedCheckpoint,
} from '@daybook/proof';
import type { Examination } from './check/invariant';
import type { Violation } from './check/findings';
import type { JournalTreeDeps, RecordedCheckpoint, TreeNode, TreeTable } from './journal-tree';

/** Indexes of the hashes of one level that has any. */
export type StoredLevel = { readonly level: number; readonly first: number; readonly last: number };

/** All rows of a book, also those that no event made. */
export type TreeRows = Pick<TreeTable, 'hashes'> & {
  /** Checkpoints that are said to be recorded by an event before this one, whatever their sizes. */
  recordedBefore(sequence: number): Promise<readonly RecordedCheckpoint[]>;
  /** By this event or a later one. */
  recordedFrom(sequence: number): Promise<readonly RecordedCheckpoint[]>;
  levels(): Promise<readonly StoredLevel[]>;
};

export type BookToExamine = Pick<JournalTreeDeps, 'scan' | 'checkpointOf'> & {
  readonly mode: Mode;
  /** Which book of whom: what its checkpoints name. */
  readonly origin: string;
  readonly rows: TreeRows;
  /** Events that are in the tree: all that are stored when it is asked, by whatever process. */
  reached(): Promise<number>;
};

/** Violations after which it says no more. */
const violationsMax = 1_000;

export function treeExamination(books: readonly BookToExamine[]): Examination {
  return {
    id: 'TREE',
    rule: 'The stored Merkle tree and the signed checkpoints are those of the journal.',
    checked: 'Every stored hash, and the origin, root, head and place of every checkpoint.',
    elsewhere: 'Signatures are verified by `daybook verify`, with a key that the ledger does not choose.',
    async examine(signal) {
      const found: Violation[] = [];
      for (const book of books) await examineBook(book, signal, found);
      return found;
    },
  };
}

async function examineBook(book: BookToExamine, signal: AbortSignal, found: Violation[]): Promise<void> {
  const { mode, origin, rows } = book;
  const violate = (sequence: number | null, where: string, expected: string, actual: string) => {
    if (found.length < violationsMax) found.push({ mode, sequence, where, expected, actual });
  };
  const size = await examineEnds(book, violate);
  // What is recorded meanwhile is of another examination.
  const stored = new Map((await rows.recordedBefore(size)).map((checkpoint) => [checkpoint.size, checkpoint]));
  const nodes: TreeNode[] = [];
  const frontier = createFrontier(undefined, ({ level, index }, hash) => {
    if (level % 8 === 0) nodes.push({ level, index, hash });
  });
  let head = genesisHash;
  for await (const events of size === 0 ? [] : book.scan(0, size)) {
    signal.throwIfAborted();
    for (const event of events) {
      const sequence = frontier.size;
      const signed = stored.get(sequence);
      if (signed !== undefined) compareSigned(signed, { origin, root: frontier.root(), head }, violate);
      const recorded = book.checkpointOf(event, sequence);
      if (recorded !== null) compareRecorded(recorded, stored.get(recorded.size), violate);
      if (recorded !== null) stored.delete(recorded.size);
      frontier.append(event.payload);
      head = eventHash(event.payload);
    }
    await compareNodes(nodes.splice(0), rows, violate);
  }
  for (const checkpoint of stored.values()) nothingRecords(checkpoint, violate);
}

/**
 * What stands behind the book's end, and how many events that end is at. An event is stored before what is made of it, so
 * the rows are read first: what an event made meanwhile has it in a length that is asked for afterwards.
 */
async function examineEnds({ rows, reached }: BookToExamine, violate: Violate): Promise<number> {
  const beyond = await rows.recordedFrom(await reached());
  const levels = await rows.levels();
  const size = await reached();
  for (const checkpoint of beyond) if (checkpoint.sequence >= size) nothingRecords(checkpoint, violate);
  for (const { level, first, last } of levels) {
    const complete = Math.floor(size / 2 ** level);
    const [where, expected] = [`tree, level ${level}`, `${complete} hashes`];
    if (first < 0) violate(null, where, expected, `one of index ${first}`);
    if (last >= complete) violate(null, where, expected, `${last + 1}`);
  }
  return size;
}

type Violate = (sequence: number | null, where: string, expected: string, actual: string) => void;

function nothingRecords({ size, sequence }: RecordedCheckpoint, violate: Violate): void {
  violate(sequence, `checkpoint of ${size}`, 'an event that records it', 'none');
}

function compareSigned(
  { size, text }: RecordedCheckpoint,
  { origin, root, head }: Pick<Checkpoint, 'origin' | 'root' | 'head'>,
  violate: Violate,
): void {
  const where = `checkpoint of ${size}`;
  const signed = parsed(text);
  if (signed === null) return violate(null, where, 'the text of a checkpoint', text);
  if (signed.origin !== origin) violate(null, where, origin, signed.origin);
  if (signed.size !== size) violate(null, where, `${size} events`, `${signed.size}`);
  if (!signed.root.equals(root)) violate(null, where, root.toString('base64'), signed.root.toString('base64'));
  if (signed.head !== head) violate(size - 1, where, head, signed.head);
}

/** Null for what is no checkpoint: one row must not end the whole examination. */
function parsed(text: string): Checkpoint | null {
  try {
    return parseCheckpoint(text);
  } catch (error) {
    if (error instanceof CheckpointError) return null;
    throw error;
  }
}

function compareRecorded(recorded: RecordedCheckpoint, stored: RecordedCheckpoint | undefined, violate: Violate): void {
  const shown = ({ text, signature }: SignedCheckpoint) => JSON.stringify([text, signature]);
  const isSame =
    stored !== undefined && stored.sequence === recorded.sequence && stored.changesKey === recorded.changesKey;
  if (!isSame || shown(stored) !== shown(recorded))
    violate(recorded.sequence, `checkpoint of ${recorded.size}`, shown(recorded), stored ? shown(stored) : 'no row');
}

/** By level, a query for each run of hashes. */
async function compareNodes(
  nodes: readonly TreeNode[],
  rows: Pick<TreeRows, 'hashes'>,
  violate: Violate,
): Promise<void> {
  for (const level of new Set(nodes.map((node) => node.level))) {
    const expected = nodes.filter((node) => node.level === level);
    const from = expected[0]!.index;
    const actual = await rows.hashes(level, from, from + expected.length);
    for (const [place, { index, hash }] of expected.entries()) {
      const is = actual[place];
      if (is === undefined || !is.equals(hash))
        violate(null, `tree, level ${level}, ${index}`, hash.toString('hex'), is?.toString('hex') ?? 'no row');
    }
  }
}
