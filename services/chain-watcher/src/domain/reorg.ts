/**
 * Reorg: what to do next with a cursor of hash-linked blocks, given what the source of the chain says.
 *
 *   extend   the source's next block names our tip as its parent
 *   fork     our tip is not in the source's chain: unwind to the newest block that both have
 *   wait     nothing above the tip, or not yet served
 *   behind   the source's head is below our tip: a stale node, or a chain that was cut
 *   refuse   the answer is a block that is not above our tip
 *
 * Invariants (each has a property test of the same name):
 *   R1  A cursor that follows the steps equals the source's chain from its first block, whatever reorgs happened.
 *   R2  The fork point is the newest block of the cursor that the source has.
 *   R3  A block that does not link to the tip is never joined, and a cursor with a gap is refused.
 */
import { assert } from '@daybook/core';

export type BlockReference = { readonly number: number; readonly hash: string };
export type LinkedBlock = BlockReference & { readonly parentHash: string };

export type Step = 'extend' | 'fork' | 'wait' | 'behind' | 'refuse';

/**
 * `next` is the source's block after the tip; undefined when it was not read or the source does not have it. Numbers may
 * skip some (slots without a block); what proves that nothing is left out is the hash.
 */
export function nextStep(tip: BlockReference, head: BlockReference, next: LinkedBlock | undefined): Step {
  if (head.number < tip.number) return 'behind';
  if (head.number === tip.number) return head.hash === tip.hash ? 'wait' : 'fork';
  if (next === undefined) return 'wait';
  if (next.number <= tip.number) return 'refuse';
  return next.parentHash === tip.hash ? 'extend' : 'fork';
}

export type ForkSearch =
  | { readonly type: 'found'; readonly block: BlockReference }
  /** Read the source's hash at this number and search again. */
  | { readonly type: 'ask'; readonly number: number }
  | { readonly type: 'none' };

/**
 * The newest block of the cursor (newest first) that the source has. `source` holds the hashes asked for so far;
 * undefined as a value means that the source has no such block.
 */
export function findFork(cursor: readonly LinkedBlock[], source: ReadonlyMap<number, string | undefined>): ForkSearch {
  for (const [index, block] of cursor.entries()) {
    const newer = cursor[index - 1];
    assert(newer === undefined || newer.parentHash === block.hash, `cursor has a gap below block ${newer?.number}`);
    if (!source.has(block.number)) return { type: 'ask', number: block.number };
    if (source.get(block.number) === block.hash) return { type: 'found', block };
  }
  return { type: 'none' };
}
