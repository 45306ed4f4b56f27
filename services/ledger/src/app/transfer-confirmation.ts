/**
 * Confirms what was accepted, or fails it when one of the two accounts was frozen meanwhile. Follows the book's own
 * events from a stored place, so that a restart loses none; a transfer that is already resolved is left as it is.
 */
import { assert } from '@daybook/core';
import type { Mode } from '@daybook/contracts';
import { createSubscription, type StoredEvent, type SubscriptionOptions } from '@daybook/event-store';
import { inOrder, withCorrelation, type Component } from '@daybook/runtime';
import type { BookEvent, BookRejection, TransferFailure } from '../domain/book-events';
import type { BookState } from '../domain/book-state';
import { modeOfStream, streamOf, type Books } from './books';

const failures: Partial<Record<BookRejection, TransferFailure>> = {
  debit_account_frozen: 'sender_frozen',
  credit_account_frozen: 'recipient_frozen',
};

/** Idempotent: resolving a resolved transfer changes nothing. */
async function resolveTransfer(books: Books, mode: Mode, transferId: string): Promise<void> {
  const engine = books.of(mode);
  const confirmed = await engine.submit({ type: 'ConfirmTransfer', transferId });
  if (confirmed.ok) return;
  const reason = failures[confirmed.rejection];
  assert(
    reason,
    `${streamOf(mode)}: transfer ${transferId} can neither be confirmed nor failed: ${confirmed.rejection}`,
  );
  await engine.submit({ type: 'FailTransfer', transferId, reason });
}

/** Transfers resolved at the same time at start: they must not fill the engine's queue. */
const togetherMax = 500;

type Deps = Pick<SubscriptionOptions, 'pool' | 'store' | 'checkpoints' | 'logger' | 'onFatal'> & {
  readonly books: Books;
  decode(stored: StoredEvent): BookEvent;
};

export function transferConfirmation({ books, decode, ...deps }: Deps): Component {
  const follower = createSubscription({
    ...deps,
    name: 'transfer confirmation',
    async handle(_tx, events) {
      // Together, so that they share the appends.
      await Promise.all(events.map((stored) => resolveAccepted(books, stored, decode(stored))));
    },
  });
  return inOrder('transfer confirmation', [pendingAtStart({ ...deps, books, decode }), follower]);
}

async function resolveAccepted(books: Books, stored: StoredEvent, event: BookEvent): Promise<void> {
  if (event.type !== 'TransferAccepted') return;
  await withCorrelation({ correlationId: stored.metadata.correlationId, causationId: stored.id }, () =>
    resolveTransfer(books, modeOfStream(stored.stream), event.transfer.transferId),
  );
}

/** Sequences of the events that accepted them: an open record was touched by no other. */
function pendingTransfers({ open, records }: BookState): readonly number[] {
  const pending = [...open].map((id) => records.get(id)).filter((record) => record?.subject?.type === 'transfer');
  return pending.map((record) => record!.sequence);
}

/** The follower would come to them, but perhaps only after a long backlog. */
function pendingAtStart({ books, store, decode }: Pick<Deps, 'books' | 'store' | 'decode'>): Component {
  const resolve = async (mode: Mode, sequence: number) => {
    const [stored] = await store.readStream(streamOf(mode), { from: BigInt(sequence), limit: 1 });
    assert(stored, `${streamOf(mode)} has no event ${sequence}`);
    await resolveAccepted(books, stored, decode(stored));
  };
  return {
    name: 'transfers pending at start',
    async start() {
      for (const mode of ['sandbox', 'live'] as const) {
        const pending = await books.of(mode).read(pendingTransfers);
        for (let from = 0; from < pending.length; from += togetherMax) {
          const some = pending.slice(from, from + togetherMax);
          await Promise.all(some.map((sequence) => resolve(mode, sequence)));
        }
      }
    },
    stop: async () => undefined,
  };
}
