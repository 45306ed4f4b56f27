/**
 * Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1.1), built leaf by leaf.
 *
 *   MTH({})     = SHA-256()
 *   MTH({d})    = SHA-256(0x00 || d)
 *   MTH(D[0:n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])), k the largest power of two below n
 *
 * A frontier holds the complete subtrees that the leaves so far make up, at most one of each height, so a tree over
 * millions of leaves is kept in some twenty hashes and can go on from them.
 */
import { assert } from '@daybook/core';
import { hashBytes, sha256 } from './sha256';

/** A complete subtree of 2^level leaves, the `index`th of its level. */
export type Subtree = { readonly level: number; readonly index: number };

/** The leaves from `start` up to and without `end`. */
export type Span = { readonly start: number; readonly end: number };

export function emptyRoot(): Buffer {
  return sha256(Buffer.alloc(0));
}

export function leafHash(leaf: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(leaf.length + 1);
  bytes[0] = 0;
  bytes.set(leaf, 1);
  return sha256(bytes);
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(1 + 2 * hashBytes);
  bytes[0] = 1;
  bytes.set(left, 1);
  bytes.set(right, 1 + hashBytes);
  return sha256(bytes);
}

/** The fewest complete subtrees that cover a span, from left to right. */
export function subtreesOf({ start, end }: Span): Subtree[] {
  const subtrees: Subtree[] = [];
  for (let at = start; at < end;) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level++;
    subtrees.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return subtrees;
}

/** Root over subtrees of falling height, as those of a frontier or of a span of a path are. */
export function joined(hashes: readonly Uint8Array[]): Buffer {
  const last = hashes.at(-1);
  if (last === undefined) return emptyRoot();
  return hashes.slice(0, -1).reduceRight<Buffer>((right, left) => nodeHash(left, right), Buffer.from(last));
}

export type Frontier = {
  /** Leaves so far. */
  readonly size: number;
  /** The hashes of `subtreesOf({ start: 0, end: size })`. */
  hashes(): readonly Buffer[];
  root(): Buffer;
  append(leaf: Uint8Array): void;
  /** Appends 2^level leaves by the hash of their subtree. The size must be a multiple of 2^level. */
  appendSubtree(level: number, hash: Uint8Array): void;
};

/**
 * `from` is a size and its hashes, as a frontier gave them. `onSubtree` is told of each subtree that an append
 * completes, leaves not included, smaller ones first.
 */
export function createFrontier(
  from: { readonly size: number; readonly hashes: readonly Uint8Array[] } = { size: 0, hashes: [] },
  onSubtree: (subtree: Subtree, hash: Buffer) => void = () => undefined,
): Frontier {
  const subtrees = subtreesOf({ start: 0, end: from.size });
  assert(subtrees.length === from.hashes.length, `${from.hashes.length} hashes for a tree of ${from.size} leaves`);
  const stack: { level: number; hash: Buffer }[] = subtrees.map(({ level }, index) => ({
    level,
    hash: Buffer.from(from.hashes[index]!),
  }));
  let size = from.size;

  const appendSubtree = (level: number, hash: Uint8Array) => {
    const leaves = 2 ** level;
    assert(size % leaves === 0, `a subtree of ${leaves} leaves does not begin at ${size}`);
    let top: { level: number; hash: Buffer } = { level, hash: Buffer.from(hash) };
    size += leaves;
    for (let left = stack.at(-1); left?.level === top.level; left = stack.at(-1)) {
      stack.pop();
      top = { level: top.level + 1, hash: nodeHash(left.hash, top.hash) };
      onSubtree({ level: top.level, index: size / 2 ** top.level - 1 }, top.hash);
    }
    stack.push(top);
  };

  return {
    get size() {
      return size;
    },
    hashes: () => stack.map(({ hash }) => hash),
    root: () => joined(stack.map(({ hash }) => hash)),
    append: (leaf) => appendSubtree(0, leafHash(leaf)),
    appendSubtree,
  };
}
