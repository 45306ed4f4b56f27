/**
 * Holds the stored tree and the index of signed checkpoints against the journal: every hash of a complete subtree, and
 * every checkpoint with the root and the head that it signs, is what the events give.
 */
import type { Mode } from '@daybook/contracts';
import { createFrontier, eventHash, genesisHash, parseCheckpoint, type SignedCheckpoint } from '@daybook/proof';
import type { Examination } from './check/invariant';
import type { Violation } from './check/findings';
import type { CheckpointTable } from './checkpoints';
import type { JournalTreeDeps, RecordedCheckpoint, TreeNode } from './journal-tree';

export type BookToExamine = Pick<JournalTreeDeps, 'scan' | 'checkpointOf'> & {
  readonly mode: Mode;
  readonly treeTable: JournalTreeDeps['table'] & CheckpointTable;
  /** Events that are in the tree. */
  reached(): Promise<number>;
};

/** Violations after which it says no more. */
const violationsMax = 1_000;

export function treeExamination(books: readonly BookToExamine[]): Examination {
  return {
    id: 'TREE',
    rule: 'The stored Merkle tree and the signed checkpoints are those of the journal.',
    checked: 'Every stored hash, and the root, head and place of every checkpoint.',
    elsewhere: 'Signatures are verified by `daybook verify`, with a key that the ledger does not choose.',
    async examine(signal) {
      const found: Violation[] = [];
      for (const book of books) await examineBook(book, signal, found);
      return found;
    },
  };
}

async function examineBook(book: BookToExamine, signal: AbortSignal, found: Violation[]): Promise<void> {
  const { mode, treeTable: table } = book;
  const violate = (sequence: number | null, where: string, expected: string, actual: string) => {
    if (found.length < violationsMax) found.push({ mode, sequence, where, expected, actual });
  };
  const size = await book.reached();
  // What is recorded meanwhile is of another examination.
  const known = (await table.within(1, size)).filter(({ sequence }) => sequence < size);
  const stored = new Map(known.map((checkpoint) => [checkpoint.size, checkpoint]));
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
      if (signed !== undefined) compareSigned(signed, frontier.root(), head, violate);
      const recorded = book.checkpointOf(event, sequence);
      if (recorded !== null) compareRecorded(recorded, stored.get(recorded.size), violate);
      if (recorded !== null) stored.delete(recorded.size);
      frontier.append(event.payload);
      head = eventHash(event.payload);
    }
    await compareNodes(nodes.splice(0), table, violate);
  }
  for (const { size: of, sequence } of stored.values())
    violate(sequence, `checkpoint of ${of}`, 'an event that records it', 'none');
  for (let level = 8; 2 ** level <= Math.max(size, 256); level += 8) {
    const actual = await table.count(level);
    const expected = Math.floor((await book.reached()) / 2 ** level);
    if (actual > expected) violate(null, `tree, level ${level}`, `${expected} hashes`, `${actual}`);
  }
}

type Violate = (sequence: number | null, where: string, expected: string, actual: string) => void;

function compareSigned({ size, text }: RecordedCheckpoint, root: Buffer, head: string, violate: Violate): void {
  const signed = parseCheckpoint(text);
  const where = `checkpoint of ${size}`;
  if (signed.size !== size) violate(null, where, `${size} events`, `${signed.size}`);
  if (!signed.root.equals(root)) violate(null, where, root.toString('base64'), signed.root.toString('base64'));
  if (signed.head !== head) violate(size - 1, where, head, signed.head);
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
  table: Pick<BookToExamine['treeTable'], 'hashes'>,
  violate: Violate,
): Promise<void> {
  for (const level of new Set(nodes.map((node) => node.level))) {
    const expected = nodes.filter((node) => node.level === level);
    const from = expected[0]!.index;
    const actual = await table.hashes(level, from, from + expected.length);
    for (const [place, { index, hash }] of expected.entries()) {
      const is = actual[place];
      if (is === undefined || !is.equals(hash))
        violate(null, `tree, level ${level}, ${index}`, hash.toString('hex'), is?.toString('hex') ?? 'no row');
    }
  }
}
