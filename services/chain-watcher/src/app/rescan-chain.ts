import { rescanBlocksMax, type CallOutcome, type CallRequest, type rescanChain } from '@daybook/contracts';
import type { ChainBlock } from '../ports';
import { recordTransfers } from './watch-chain';
import { ChainHaltedError, sourceFailed, type WatchDeps } from './watch-deps';

export type RescanDeps = {
  /** What watches the chain, and a way to have it look again at what was found. */
  readonly rescannable: ReadonlyMap<string, { readonly deps: WatchDeps; lookAgain(): void }>;
};

/**
 * Reads a range again beside the watcher. It records only what links, block by block, and what has its place in the
 * cursor where the cursor still has that block; a deposit that a reorg overtakes meanwhile is reverted as any other.
 */
export async function rescan(
  { rescannable }: RescanDeps,
  { chain, from, to }: CallRequest<typeof rescanChain>,
): Promise<CallOutcome<typeof rescanChain>> {
  const watched = rescannable.get(chain);
  if (watched === undefined) return { ok: false, rejection: 'chain_not_found' };
  if (to < from || to - from >= rescanBlocksMax) return { ok: false, rejection: 'range_invalid' };
  const { deps, lookAgain } = watched;
  const tip = await deps.cursor.tip();
  if (tip === undefined || to > tip.number) return { ok: false, rejection: 'range_not_scanned' };
  await deps.caughtUp();
  await deps.watchlist.refresh();
  try {
    const found = await readRange(deps, from, to);
    lookAgain();
    return { ok: true, value: found };
  } catch (error) {
    // What is recorded contradicts what is read: nothing was changed, and the watcher goes on.
    throw error instanceof ChainHaltedError ? sourceFailed(error.message) : error;
  }
}

async function readRange(deps: WatchDeps, from: number, to: number): Promise<{ blocks: number; deposits: number }> {
  let [blocks, deposits] = [0, 0];
  let last: ChainBlock | undefined;
  for (let after = from - 1; after < to;) {
    const window = await deps.source.blocksAfter(after, Math.min(deps.pace.windowMax, to - after), deps.watchlist);
    if (window.length === 0) throw sourceFailed(`the source has no block above ${after}`);
    for (const block of window.filter(({ number }) => number <= to)) {
      if (last !== undefined && block.parentHash !== last.hash)
        throw sourceFailed(`block ${block.number} does not link to block ${last.number}`);
      const scanned = await deps.cursor.hashAt(block.number);
      if (scanned !== undefined && scanned !== block.hash)
        throw sourceFailed(`block ${block.number} is not the one that was scanned`);
      // Its place was taken from it meanwhile: what stands there by now is the watcher's to read.
      if (scanned === undefined && block.number > ((await deps.cursor.tip())?.number ?? -1))
        throw sourceFailed(`block ${block.number} is above the cursor by now`);
      deposits += await recordTransfers(deps, block);
      blocks++;
      last = block;
    }
    after = window.at(-1)!.number;
  }
  return { blocks, deposits };
}
