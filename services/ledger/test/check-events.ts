import type { StoredEvent } from '@daybook/event-store';
import { sha256Hex } from '@daybook/runtime';
import { encodeBookEvent, genesisHash, referenceOf } from '../src/adapters/stored-events';
import { streamOf } from '../src/app/books';
import { checkLedger, type CheckOptions } from '../src/app/check/check';
import type { CheckReport } from '../src/app/check/findings';
import type { CheckMoment, CheckSource } from '../src/app/check/source';
import { decide } from '../src/domain/book';
import type { BookCommand } from '../src/domain/book-commands';
import type { BookEvent } from '../src/domain/book-events';
import { apply, emptyBook } from '../src/domain/book-state';
import { place, timeAt } from './book-play';

/** What the book records of commands that it refuses none of, one a second. */
export function recordedBy(commands: readonly BookCommand[]): BookEvent[] {
  const state = emptyBook();
  return commands.flatMap((command, index) => {
    const verdict = decide(state, command, timeAt(index * 1_000));
    expect(verdict).toMatchObject({ type: 'recorded', rejection: null });
    if (verdict.type !== 'recorded') return [];
    for (const event of verdict.events) apply(state, event, place(state));
    return verdict.events;
  });
}

/** Checks the journal of a book that has no tables. */
export function checkEvents(events: readonly BookEvent[], options: Partial<CheckOptions> = {}): Promise<CheckReport> {
  const stored = storedOf(events);
  const lengths = { sandbox: stored.length, live: 0 };
  const moment: CheckMoment = {
    tables: lengths,
    journal: lengths,
    subscribers: async () => [],
    columns: async () => undefined,
    between: async () => [],
    beyond: async () => [],
    async *all() {},
    stray: async () => [],
  };
  const source: CheckSource = {
    atOneMoment: (_tables, work) => work(moment),
    async *events(mode, from, to) {
      if (mode === 'sandbox') yield stored.slice(from, to);
    },
  };
  return checkLedger({
    source,
    now: new Date(timeAt(86_400_000)),
    clearingDeadlineS: 60,
    signal: new AbortController().signal,
    progress: () => undefined,
    passes: [],
    ...options,
  });
}

function storedOf(events: readonly BookEvent[]): readonly StoredEvent[] {
  let head = genesisHash;
  return events.map((event, index): StoredEvent => {
    const encoded = encodeBookEvent(withStoredHash(event), head);
    head = referenceOf(encoded.payload).slice(2);
    return {
      ...encoded,
      id: String(index),
      metadata: { correlationId: 'test', causationId: 'test' },
      stream: streamOf('sandbox'),
      revision: BigInt(index),
      position: String(index) as StoredEvent['position'],
      recordedAt: new Date(event.at),
    };
  });
}

/** Tests write short ones; stored are hashes only. */
function withStoredHash(event: BookEvent): BookEvent {
  if (!('contentHash' in event) || event.contentHash === null) return event;
  return { ...event, contentHash: sha256Hex(event.contentHash) };
}
