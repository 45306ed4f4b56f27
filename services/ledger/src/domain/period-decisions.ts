/** What is said about the journal as a whole: a period is closed, the first events are vouched for. */
import type { CommandOf } from './book-commands';
import type { BookRejection } from './book-events';
import type { WorkingState } from './book-state';
import { record, refuse, rejected, type Verdict } from './verdict';

/** Closing goes forward only, and only over time that has passed. */
export function closePeriod(state: WorkingState, command: CommandOf<'ClosePeriod'>, at: string): Verdict {
  const { closeId, contentHash, through, actor } = command;
  const no = (rejection: BookRejection) =>
    rejected(rejection, {
      commandId: closeId,
      commandType: command.type,
      contentHash,
      tenantId: null,
      actor,
      request: { through },
      at,
    });
  if (through < state.openFrom) return no('period_closed');
  if (through >= at) return no('period_not_over');
  const openFrom = instantAfter(through);
  return record({ type: 'PeriodClosed', closeId, contentHash, through, openFrom, actor, at });
}

/** Times have milliseconds. */
function instantAfter(time: string): string {
  return new Date(Date.parse(time) + 1).toISOString();
}

/** Its key is that of the one before it, or what that one names as the next: so it comes after no other. */
export function signCheckpoint(state: WorkingState, command: CommandOf<'SignCheckpoint'>, at: string): Verdict {
  const { checkpointId, contentHash, size, after, root, keyId, checkpoint, signature } = command;
  // No trace of it: as an event it would be a reason for the next checkpoint.
  if (after !== state.checkpointSize || size <= after || size > state.length) return refuse('checkpoint_out_of_order');
  return record({ type: 'CheckpointSigned', checkpointId, contentHash, size, root, keyId, checkpoint, signature, at });
}
