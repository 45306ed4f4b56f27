/**
 * Whether a transaction can still be included on Solana: not once 150 blocks have followed that of its blockhash
 * (MAX_PROCESSING_AGE). Counted in final blocks that are linked by their hashes, and each read for the transaction itself:
 * an index that does not know a transaction proves nothing.
 */
import { contradiction } from '@daybook/http';
import type { SolanaRpc } from './solana-rpc';

export const blockhashLifetime = 150;
/** One more block than could hold it, and that of the blockhash. */
const blocksToRead = blockhashLifetime + 2;
const readAtOnce = 8;

type Lifetime = { readonly recentBlockhash: string; readonly lastValidBlockHeight: number; readonly sinceSlot: number };

/** True when none of these transactions is, or ever will be, in a final block. */
export async function hasExpired(
  rpc: SolanaRpc,
  lifetime: Lifetime,
  transactionIds: readonly string[],
): Promise<boolean> {
  const { recentBlockhash, lastValidBlockHeight, sinceSlot } = lifetime;
  if ((await rpc.newestHeight('finalized')) <= lastValidBlockHeight) return false;
  const slots = await rpc.finalSlotsFrom(sinceSlot, blocksToRead);
  if (slots.length < blocksToRead) return false;
  let previous: string | undefined;
  for (let at = 0; at < slots.length; at += readAtOnce) {
    const blocks = await Promise.all(slots.slice(at, at + readAtOnce).map((slot) => rpc.finalSignatures(slot)));
    for (const block of blocks) {
      if (block === undefined) throw contradiction('a final block is not there');
      // It was final when it was chosen: the first is the block of the blockhash.
      const isNext =
        previous === undefined ? block.blockhash === recentBlockhash : block.previousBlockhash === previous;
      if (!isNext) throw contradiction('final blocks are not linked');
      const known = transactionIds.find((id) => block.signatures.includes(id));
      if (known !== undefined) throw contradiction(`${known} is in a block, but the node does not know it`);
      previous = block.blockhash;
    }
  }
  return true;
}
