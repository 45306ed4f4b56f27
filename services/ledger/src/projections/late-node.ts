/**
 * Where an interval of time stands in an interval tree (a relational one: Kriegel, Pötke, Seidl, "Managing intervals
 * efficiently in object-relational databases", 2000). The nodes are the milliseconds since 1970, in the order of a binary
 * tree whose level is the number of trailing zeros. An interval stands at the one node of the highest level that it
 * contains. So the intervals that contain a moment are found at one node of each level, and of each by one range of an
 * index: `audit_nodes` in the migrations names those nodes. It needs no extension, and no other index can be mistaken for
 * it by the planner.
 */
import { assert } from '@daybook/core';

/** Node of the moments `from <= t < to`, in milliseconds since 1970. What began in 1970 or before counts from its first one. */
export function nodeOf(from: number, to: number): bigint {
  assert(from < to && to > 1, `no moment from ${from} to ${to}`);
  const last = BigInt(to - 1);
  const before = BigInt(Math.max(from, 1)) - 1n;
  // The highest bit in which they differ is zero before the interval and one at its end.
  const level = BigInt((before ^ last).toString(2).length - 1);
  return (last >> level) << level;
}
