/** I5 and I6, what of them is about ids: each has one answer, and what it named goes on in order and only so far. */
import type { BookEvent } from '../../domain/book-events';
import type { BookContext, IdReader } from './invariant';

/** The id that a caller chose, and what it is the answer to; null for an event that answers none. */
function answerOf(event: BookEvent): { readonly id: string; readonly contentHash: string } | null {
  if (!('contentHash' in event) || event.contentHash === null) return null;
  const { contentHash } = event;
  switch (event.type) {
    case 'TransferAccepted':
      return { id: event.transfer.transferId, contentHash };
    case 'TransferReversed':
      return event.reversalId === null ? null : { id: event.reversalId, contentHash };
    case 'TransactionPosted':
      return { id: event.transactionId, contentHash };
    case 'TransactionReversed':
      return { id: event.reversalId, contentHash };
    case 'HoldPlaced':
      return { id: event.holdId, contentHash };
    case 'HoldCaptured':
      return { id: event.captureId, contentHash };
    case 'HoldReleased':
      return { id: event.releaseId, contentHash };
    case 'AccountLimitsSet':
      return { id: event.changeId, contentHash };
    case 'AccountFrozen':
    case 'AccountUnfrozen':
      return event.changeId === null ? null : { id: event.changeId, contentHash };
    case 'PeriodClosed':
      return { id: event.closeId, contentHash };
    case 'CheckpointSigned':
      return { id: event.checkpointId, contentHash };
    case 'CommandRejected':
      return { id: event.commandId, contentHash };
  }
}

/** Every id that the event is about: the one it answers, and the transfer, hold or transaction that it goes on with. */
export function idsOf(event: BookEvent): ReadonlySet<string> {
  const ids = new Set<string>();
  const answer = answerOf(event);
  if (answer !== null) ids.add(answer.id);
  if ('transfer' in event) ids.add(event.transfer.transferId);
  if ('holdId' in event) ids.add(event.holdId);
  if (event.type === 'TransactionReversed') ids.add(event.transactionId);
  return ids;
}

export function answeredOnce({ violate }: BookContext): IdReader {
  const answers = new Map<string, string>();
  return {
    step({ event, sequence }, mine) {
      const answer = answerOf(event);
      if (answer === null || !mine(answer.id)) return;
      if (answers.get(answer.id) === answer.contentHash) violate(sequence, answer.id, 'one answer', 'another one');
      answers.set(answer.id, answer.contentHash);
    },
  };
}

export function oneContent({ violate }: BookContext): IdReader {
  const answers = new Map<string, string>();
  return {
    step({ event, sequence }, mine) {
      const answer = answerOf(event);
      if (answer === null || !mine(answer.id)) return;
      const first = answers.get(answer.id);
      if (first !== undefined && first !== answer.contentHash)
        violate(sequence, answer.id, `content ${first}`, answer.contentHash);
      answers.set(answer.id, first ?? answer.contentHash);
    },
  };
}

/** Transfers, holds and transactions: each state once and in order, and no more taken than there is. */
export function lifecycles(context: BookContext): IdReader {
  const readers = [transfersInOrder(context), holdsInOrder(context), reversalsWithin(context)];
  return {
    step(step, mine) {
      for (const reader of readers) reader.step?.(step, mine);
    },
  };
}

const transferBefore: Readonly<Record<string, string | undefined>> = {
  TransferAccepted: undefined,
  TransferConfirmed: 'TransferAccepted',
  TransferFailed: 'TransferAccepted',
  TransferReversed: 'TransferConfirmed',
};

function transfersInOrder({ violate }: BookContext): IdReader {
  const last = new Map<string, string>();
  return {
    step({ event, sequence }, mine) {
      if (!('transfer' in event) || !mine(event.transfer.transferId)) return;
      const { transferId } = event.transfer;
      const [before, wanted] = [last.get(transferId), transferBefore[event.type]];
      if (before !== wanted)
        violate(sequence, transferId, `${event.type} after ${wanted ?? 'nothing'}`, `after ${before ?? 'nothing'}`);
      last.set(transferId, event.type);
    },
  };
}

function holdsInOrder({ violate }: BookContext): IdReader {
  /** What is left of each hold; 0 when it is over. */
  const left = new Map<string, bigint>();
  return {
    step({ event, sequence }, mine) {
      if (!('holdId' in event) || !mine(event.holdId)) return;
      const { holdId } = event;
      if (event.type === 'HoldPlaced') {
        if (left.has(holdId)) violate(sequence, holdId, 'a hold placed once', 'placed again');
        left.set(holdId, event.amount);
        return;
      }
      const taken = event.type === 'HoldCaptured' ? event.amount + event.released : event.amount;
      const before = left.get(holdId) ?? 0n;
      const after = event.type === 'HoldCaptured' ? event.remaining : 0n;
      if (taken <= 0n || before - taken !== after)
        violate(sequence, holdId, `${event.type} of what is left of ${before}`, `${taken}, and ${after} left`);
      left.set(holdId, after);
    },
  };
}

function reversalsWithin({ violate }: BookContext): IdReader {
  /** What of each transaction's first entry can still be reversed. */
  const left = new Map<string, bigint>();
  return {
    step({ event, sequence }, mine) {
      const made = event.type === 'TransactionPosted' ? event.transactionId : null;
      const id = event.type === 'HoldCaptured' ? event.captureId : made;
      if (id !== null && mine(id) && 'entries' in event) left.set(id, event.entries[0]?.amount ?? 0n);
      if (event.type !== 'TransactionReversed' || !mine(event.transactionId)) return;
      const { transactionId, amount, remaining } = event;
      const before = left.get(transactionId) ?? 0n;
      if (amount <= 0n || remaining < 0n || before - amount !== remaining)
        violate(sequence, transactionId, `at most ${before} reversed`, `${amount}, and ${remaining} left`);
      left.set(transactionId, remaining);
    },
  };
}
