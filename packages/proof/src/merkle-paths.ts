/**
 * Inclusion and consistency proofs of RFC 9162 sections 2.1.3 and 2.1.4 (the proofs of RFC 6962). What is to be proven is
 * given as the spans whose hashes make up the path, so that whoever keeps the tree decides how to find them; `spanHash`
 * puts a span together from complete subtrees.
 */
import { assert } from '@daybook/core';
import { hashBytes } from './sha256';
import { leafHash, joined, nodeHash, subtreesOf, type Span, type Subtree } from './merkle-tree';

/** PATH(index, D[0:size]): the spans of the inclusion proof of a leaf, from the leaf to the root. */
export function inclusionPath(index: number, size: number): Span[] {
  assert(Number.isSafeInteger(index) && index >= 0 && index < size, `leaf ${index} of a tree of ${size}`);
  const path: Span[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    path.push(index < middle ? { start: middle, end } : { start, end: middle });
    if (index < middle) end = middle;
    else start = middle;
  }
  return path.toReversed();
}

/** PROOF(from, D[0:to]): the spans that show that the tree of `to` leaves begins with that of `from`. */
export function consistencyPath(from: number, to: number): Span[] {
  assert(Number.isSafeInteger(from) && from > 0 && from <= to, `consistency of ${from} with ${to}`);
  const path: Span[] = [];
  let [start, end] = [0, to];
  while (from !== end) {
    const middle = start + splitOf(end - start);
    path.push(from <= middle ? { start: middle, end } : { start, end: middle });
    if (from <= middle) end = middle;
    else start = middle;
  }
  // The verifier knows the old root itself; any other subtree that the old tree ends with it has to be told.
  if (start !== 0) path.push({ start, end });
  return path.toReversed();
}

/** MTH of a span of a path. */
export function spanHash(span: Span, hashOf: (subtree: Subtree) => Uint8Array): Buffer {
  return joined(subtreesOf(span).map(hashOf));
}

/** Whether the leaf stands at `index` in the tree of `size` leaves with this root (RFC 9162 section 2.1.3.2). */
export function includes(
  leaf: Uint8Array,
  { index, size, path, root }: { index: number; size: number; path: readonly Uint8Array[]; root: Uint8Array },
): boolean {
  if (!isSize(index) || !isSize(size) || index >= size || !path.every(isHash)) return false;
  let node = index;
  let last = size - 1;
  let hash: Buffer = leafHash(leaf);
  for (const sibling of path) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && hash.equals(root);
}

/** Whether the first tree is the beginning of the second (RFC 9162 section 2.1.4.2). */
export function isConsistent(
  first: { readonly size: number; readonly root: Uint8Array },
  second: { readonly size: number; readonly root: Uint8Array },
  path: readonly Uint8Array[],
): boolean {
  if (!isSize(first.size) || !isSize(second.size) || first.size === 0 || first.size > second.size) return false;
  if (!path.every(isHash)) return false;
  if (first.size === second.size) return path.length === 0 && Buffer.from(first.root).equals(second.root);
  const isPowerOfTwo = subtreesOf({ start: 0, end: first.size }).length === 1;
  const [start, ...rest] = isPowerOfTwo ? [first.root, ...path] : path;
  if (start === undefined || rest.length === 0) return false;
  let node = first.size - 1;
  let last = second.size - 1;
  while (isOdd(node)) [node, last] = [half(node), half(last)];
  let old: Buffer = Buffer.from(start);
  let young: Buffer = Buffer.from(start);
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      old = nodeHash(sibling, old);
      young = nodeHash(sibling, young);
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      young = nodeHash(young, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && old.equals(first.root) && young.equals(second.root);
}

/** Largest power of two below `n`. */
function splitOf(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

// Sizes may be larger than what the bit operators of the language take.
const isOdd = (n: number) => n % 2 === 1;
const half = (n: number) => Math.floor(n / 2);
const isHash = ({ length }: Uint8Array) => length === hashBytes;
const isSize = (n: number) => Number.isSafeInteger(n) && n >= 0;
