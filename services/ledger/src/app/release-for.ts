import type { Mode } from '@daybook/contracts';
import { contentHashOf, type Books } from './books';
import { FactConflict } from './post-fact';

export type ReleaseFor = (ended: { mode: Mode; holdId: string; reason: string }) => Promise<void>;

/** Returns when the hold is no longer open; one that has ended in another way is left as it is. */
export function releaseFor(books: Books): ReleaseFor {
  return async ({ mode, holdId, reason }) => {
    const outcome = await books.of(mode).submit({
      type: 'ReleaseHold',
      releaseId: `ended:${holdId}`,
      contentHash: contentHashOf({ type: 'ReleaseHold', holdId }),
      tenantId: null,
      holdId,
      actor: reason,
    });
    if (!outcome.ok && outcome.rejection !== 'hold_closed')
      throw new FactConflict(`${reason}, and hold ${holdId}: ${outcome.rejection}`);
  };
}
