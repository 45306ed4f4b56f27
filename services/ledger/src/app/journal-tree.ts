/**
 * The Merkle tree over the events of a book, as a reader of its journal. Going through the journal it keeps the frontier
 * in memory and stores the hash of every complete subtree of 256 events, of 65,536, and so on. Any hash of the tree is
 * then put together from at most 256 stored hashes of each of these levels and 256 events, however long the book is.
 *
 * What is stored is a function of the journal: it is added once, taken up again after a restart, and adding it a second
 * time, by another process too, changes nothing.
 */
import { assert } from '@daybook/core';
import {
  createFrontier,
  eventHash,
  genesisHash,
  joined,
  leafHash,
  subtreesOf,
  type Frontier,
  type SignedCheckpoint,
  type Span,
  type Subtree,
} from '@daybook/proof';

/** Levels that are stored are the multiples of this. */
const levelStep = 8;
const blockSize = 2 ** levelStep;
/** Events up to which a read is cheaper than a scan. */
const pageSize = 2_000;

export type JournalBytes = readonly { readonly type: string; readonly payload: Buffer }[];

/** The exact bytes of the events from `from` up to and without `to`; fewer when there are not so many. */
export type ReadJournal = (from: number, to: number) => Promise<JournalBytes>;

/** The same events in batches, faster where there are many. */
export type ScanJournal = (from: number, to: number) => AsyncIterable<JournalBytes>;

export type TreeNode = Subtree & { readonly hash: Buffer };
/** A signed checkpoint and the event that records it. */
export type RecordedCheckpoint = SignedCheckpoint & {
  readonly size: number;
  readonly sequence: number;
  readonly changesKey: boolean;
};

export type TreeTable = {
  /** Number of subtrees of a level. */
  count(level: number): Promise<number>;
  /** Their hashes from one index up to and without another. */
  hashes(level: number, from: number, to: number): Promise<readonly Buffer[]>;
  add(nodes: readonly TreeNode[], checkpoints: readonly RecordedCheckpoint[]): Promise<void>;
};

export type JournalTree = {
  /**
   * Goes through the journal until so many events are in the tree. They have to be stored. Rejects when the signal ends
   * it; what was taken in by then stays.
   */
  reach(size: number, signal?: AbortSignal): Promise<void>;
  /** The tree and the chain of hashes when the book had so many events. */
  at(size: number): Promise<{ readonly root: Buffer; readonly head: string }>;
  /** Of spans of a proof, or of any that begin where a subtree as long as they are does. */
  hashesOf(spans: readonly Span[]): Promise<readonly Buffer[]>;
};

export type JournalTreeDeps = {
  readonly read: ReadJournal;
  readonly scan: ScanJournal;
  readonly table: TreeTable;
  /** The checkpoint that an event records, or null. */
  readonly checkpointOf: (event: JournalBytes[number], sequence: number) => RecordedCheckpoint | null;
};

export function journalTree(deps: JournalTreeDeps): JournalTree {
  let following: { readonly frontier: Frontier; nodes: TreeNode[] } | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  async function begin() {
    const size = (await deps.table.count(levelStep)) * blockSize;
    const hashes = await hashesOf(subtreesOf({ start: 0, end: size }).map(spanOf));
    const nodes: TreeNode[] = [];
    return { frontier: createFrontier({ size, hashes }, storedTo(nodes)), nodes };
  }

  async function follow(size: number, signal?: AbortSignal): Promise<void> {
    try {
      following ??= await begin();
      const { frontier, nodes } = following;
      const start = frontier.size;
      const batches = size - start > pageSize ? deps.scan(start, size) : [await deps.read(start, size)];
      for await (const events of batches) {
        const first = frontier.size;
        for (const { payload } of events) frontier.append(payload);
        const checkpoints = events.flatMap((event, index) => deps.checkpointOf(event, first + index) ?? []);
        await deps.table.add(nodes.splice(0), checkpoints);
        signal?.throwIfAborted();
      }
      assert(frontier.size >= size, `the journal ends at ${frontier.size}, before ${size}`);
    } catch (error) {
      // What the frontier took in may not be stored: the next one begins where the table is.
      following = undefined;
      throw error;
    }
  }

  /** Base hashes of each level that is stored, and of the leaves; one query for each block of them. */
  async function base(level: number, from: number, to: number): Promise<readonly Buffer[]> {
    const hashes =
      level === 0
        ? (await deps.read(from, to)).map(({ payload }) => leafHash(payload))
        : await deps.table.hashes(level, from, to);
    assert(hashes.length === to - from, `the tree lacks hashes of level ${level} from ${from} to ${to}`);
    return hashes;
  }

  async function hashesOf(spans: readonly Span[]): Promise<Buffer[]> {
    const wanted = spans.map(subtreesOf);
    const blocks = blocksOf(wanted.flat());
    const read = new Map<string, { readonly from: number; readonly hashes: readonly Buffer[] }>();
    for (const [key, { level, from, to }] of blocks) read.set(key, { from, hashes: await base(level, from, to) });
    const hashOf = (subtree: Subtree): Buffer => {
      const place = placeOf(subtree);
      const { from, hashes } = read.get(place.block)!;
      return complete(hashes.slice(place.from - from, place.to - from));
    };
    return wanted.map((subtrees) => joined(subtrees.map(hashOf)));
  }

  const reach: JournalTree['reach'] = (size, signal) => {
    const reached = turn.then(() => follow(size, signal));
    turn = reached.catch(() => undefined);
    return reached;
  };
  return {
    reach,
    async at(size) {
      await reach(size);
      const followed = following?.frontier.size === size ? following.frontier.root() : null;
      const [root] = await hashesOf([{ start: 0, end: size }]);
      // A hash that was changed where it is stored must not be signed.
      assert(
        followed === null || followed.equals(root!),
        `the stored tree of ${size} events is not that of the journal`,
      );
      const [last] = size === 0 ? [] : await deps.read(size - 1, size);
      return { root: root!, head: last === undefined ? genesisHash : eventHash(last.payload) };
    },
    hashesOf,
  };
}

/** Of the subtrees that are completed, those of a level that is stored. */
function storedTo(nodes: TreeNode[]) {
  return ({ level, index }: Subtree, hash: Buffer): void => {
    if (level % levelStep === 0) nodes.push({ level, index, hash });
  };
}

type Place = { readonly block: string; readonly level: number; readonly from: number; readonly to: number };

/** The hashes that a subtree is put together from: of the highest level stored that is not above it. */
function placeOf({ level, index }: Subtree): Place {
  const baseLevel = level - (level % levelStep);
  const width = 2 ** (level - baseLevel);
  const from = index * width;
  return { block: `${baseLevel}/${Math.floor(from / blockSize)}`, level: baseLevel, from, to: from + width };
}

function blocksOf(subtrees: readonly Subtree[]): Map<string, Place> {
  const blocks = new Map<string, Place>();
  for (const subtree of subtrees) {
    const place = placeOf(subtree);
    const known = blocks.get(place.block) ?? place;
    const [from, to] = [Math.min(known.from, place.from), Math.max(known.to, place.to)];
    blocks.set(place.block, { ...place, from, to });
  }
  return blocks;
}

const spanOf = ({ level, index }: Subtree): Span => ({ start: index * 2 ** level, end: (index + 1) * 2 ** level });

/** Root over as many hashes as a power of two. */
function complete(hashes: readonly Buffer[]): Buffer {
  const frontier = createFrontier();
  for (const hash of hashes) frontier.appendSubtree(0, hash);
  return frontier.root();
}
