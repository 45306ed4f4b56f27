/** One command on a book: its verdict, what is sealed of it, and the answer that its caller will get. */
import { assertNever } from '@daybook/core';
import type { Clock, Correlation } from '@daybook/runtime';
import { decide } from '../domain/book';
import type { BookCommand } from '../domain/book-commands';
import type { BookState } from '../domain/book-state';
import { because, reasonOf, type Refusal } from '../domain/verdict';
import type { BookJournal, SealedEvents } from '../ports';
import type { Receipt } from './together';

export type EngineOutcome =
  ({ readonly ok: true } & Receipt) | ({ readonly ok: false; readonly replayed: boolean } & Refusal);

/** Adds what is to be recorded to the journal and to `sealed`. Throws Unrecordable, and then has added nothing. */
export function rule(
  journal: BookJournal,
  sealed: SealedEvents,
  command: BookCommand,
  at: string,
  correlation: Correlation,
): EngineOutcome {
  const verdict = decide(journal.state, command, at);
  switch (verdict.type) {
    case 'refused':
      return { ok: false, ...because(verdict.rejection), replayed: false };
    case 'repeated': {
      const refusal = reasonOf(verdict);
      if (refusal !== null) return { ok: false, ...refusal, replayed: true };
      const { at: answeredAt, reference } = verdict.outcome;
      return { ok: true, at: answeredAt, reference, replayed: true };
    }
    case 'recorded': {
      const { events } = verdict;
      const reference = journal.add(events, correlation, sealed);
      const refusal = reasonOf(verdict);
      if (refusal !== null) return { ok: false, ...refusal, replayed: false };
      return { ok: true, at: events.at(-1)!.at, reference, replayed: false };
    }
    default:
      return assertNever(verdict);
  }
}

/** The time of a command on a book. It never goes back. */
export type BookClock = (state: BookState) => string;

export function bookClock(clock: Clock): BookClock {
  let knownMs = -1;
  let now = '';
  return ({ lastAt }) => {
    const time = clock();
    // Many commands are of the same millisecond.
    if (time.getTime() !== knownMs) {
      knownMs = time.getTime();
      now = time.toISOString();
    }
    return now > lastAt ? now : lastAt;
  };
}
