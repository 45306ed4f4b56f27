/**
 * I17: what stands on a clearing account, in items: by the subject of the transactions that brought and took it. A reversal
 * is of the item of what it takes back, while that is open. What names no item (a posting of an operator, a capture, the
 * reversal of what was settled) is an item of its own, a correction: at the end of the book it is set off against others of
 * its account, so that what an operator has put in order is not reported for ever.
 */
import type { PostingEvent } from '../../domain/transaction';
import type { BookContext, BookReader } from './invariant';
import type { FoldedEntry } from './refold';

type Item = {
  readonly accountId: string;
  readonly subject: string;
  readonly since: string;
  readonly sequence: number;
  readonly isCorrection: boolean;
  readonly transactionIds: string[];
  balance: bigint;
};

/** What is at zero is forgotten, so only open items take memory. */
type Open = {
  /** By account and subject, the oldest first. */
  readonly items: Map<string, Item>;
  /** Of the transactions of open items. */
  readonly subjects: Map<string, string>;
};

export function cleared({ now, clearingDeadlineS, violate }: BookContext): BookReader {
  const open: Open = { items: new Map(), subjects: new Map() };
  return {
    step({ event, entries, sequence }) {
      if (!('entries' in event)) return;
      for (const entry of entries) if (entry.accountId.startsWith('clearing:')) move(open, event, entry, sequence);
    },
    end() {
      const items = [...open.items.values()];
      setOffCorrections(items);
      const deadline = new Date(now.getTime() - clearingDeadlineS * 1_000).toISOString();
      for (const { accountId, subject, since, sequence, balance } of items) {
        if (balance !== 0n && since < deadline)
          violate(sequence, accountId, `${subject} cleared by ${deadline}`, `${balance} since ${since}`);
      }
    },
  };
}

function move({ items, subjects }: Open, event: PostingEvent, entry: FoldedEntry, sequence: number): void {
  const { accountId, amount, lowers } = entry;
  const subject = subjectOf(event, subjects);
  const key = JSON.stringify([accountId, subject]);
  const item = items.get(key) ?? newItem(event, { accountId, subject, sequence });
  item.balance += lowers ? -amount : amount;
  if (item.balance === 0n) {
    items.delete(key);
    for (const id of item.transactionIds) subjects.delete(id);
    return;
  }
  items.set(key, item);
  if (event.type !== 'TransactionPosted') return;
  subjects.set(event.transactionId, subject);
  item.transactionIds.push(event.transactionId);
}

function newItem(event: PostingEvent, where: Pick<Item, 'accountId' | 'subject' | 'sequence'>): Item {
  const isCorrection = event.type !== 'TransactionPosted' || event.cause.type === 'posting';
  return { ...where, since: event.at, isCorrection, transactionIds: [], balance: 0n };
}

function subjectOf(event: PostingEvent, subjects: Open['subjects']): string {
  switch (event.type) {
    case 'TransactionPosted':
      return event.cause.subject;
    case 'TransactionReversed':
      return subjects.get(event.transactionId) ?? event.transactionId;
    case 'HoldCaptured':
      return event.captureId;
    case 'TransferConfirmed':
    case 'TransferReversed':
      return event.transfer.transferId;
  }
}

/** Two items that facts made are not set off: one intent's money is not another's. */
function setOffCorrections(items: readonly Item[]): void {
  for (const correction of items) {
    if (!correction.isCorrection) continue;
    for (const item of items) {
      if (correction.balance === 0n) break;
      if (item.accountId === correction.accountId) setOff(correction, item);
    }
  }
}

function setOff(one: Item, other: Item): void {
  if (one.balance * other.balance >= 0n) return;
  const moved = sizeOf(one.balance) < sizeOf(other.balance) ? one.balance : -other.balance;
  one.balance -= moved;
  other.balance += moved;
}

function sizeOf(balance: bigint): bigint {
  return balance < 0n ? -balance : balance;
}
