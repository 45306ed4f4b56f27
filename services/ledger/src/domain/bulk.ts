/**
 * Many commands as one request, decided in their order, each on what those before it left. Independent ones each have
 * their own outcome. Atomic ones are recorded together or not at all: when one is refused, its refusal alone is
 * recorded, which answers its id for ever, and the other ids stay free. An id that comes twice is a repeat.
 */
import { decide } from './book';
import type { BookCommand } from './book-commands';
import type { BookEvent } from './book-events';
import { apply, fork, type WorkingState } from './book-state';
import { reasonOf, type Refusal, type Verdict } from './verdict';

export type BulkDecision = {
  /** To be recorded, in this order. */
  readonly events: readonly BookEvent[];
  /** One for each command; for an atomic bulk that failed, as far as it was decided. */
  readonly verdicts: readonly Verdict[];
  /** The command that an atomic bulk failed on. */
  readonly failed: ({ readonly index: number } & Refusal) | null;
};

export type BulkOptions = {
  readonly atomic: boolean;
  readonly at: string;
  /** The ledger reference that the event will have when it is recorded at that sequence behind those before it. */
  seal(event: BookEvent, sequence: number): string;
};

/** Changes nothing. */
export function decideBulk(
  state: WorkingState,
  commands: readonly BookCommand[],
  { atomic, at, seal }: BulkOptions,
): BulkDecision {
  const copy = fork(state);
  const events: BookEvent[] = [];
  const verdicts: Verdict[] = [];
  for (const [index, command] of commands.entries()) {
    const verdict = decide(copy, command, at);
    verdicts.push(verdict);
    const refusal = reasonOf(verdict);
    if (atomic && refusal !== null) {
      const told = verdict.type === 'recorded' ? verdict.events : [];
      return { events: told, verdicts, failed: { index, ...refusal } };
    }
    if (verdict.type !== 'recorded') continue;
    for (const event of verdict.events) {
      apply(copy, event, { sequence: copy.length, reference: seal(event, copy.length) });
      events.push(event);
    }
  }
  return { events, verdicts, failed: null };
}
