/** How an answer says that it was given before. */
import { z } from 'zod';

export const replayedName = 'Idempotent-Replayed';

export const replayedHeader = z.object({
  [replayedName]: z
    .literal('true')
    .optional()
    .meta({ description: 'Present when this is the answer to an earlier request with the same key.' }),
});

export function replayedIf(replayed: boolean): Record<string, string> {
  return replayed ? { [replayedName]: 'true' } : {};
}
