/** Commands that a book records together or not at all, as one job of its engine. */
import { assert } from '@daybook/core';
import type { Correlation } from '@daybook/runtime';
import { decideBulk } from '../domain/bulk';
import type { BookCommand } from '../domain/book-commands';
import { reasonOf, type Refusal, type Verdict } from '../domain/verdict';
import type { BookJournal, SealedEvents } from '../ports';

/** `reference` is of the event that recorded the original command; `at` is when. */
export type Receipt = { readonly at: string; readonly reference: string; readonly replayed: boolean };

export type TogetherOutcome =
  | { readonly ok: true; readonly receipts: readonly Receipt[] }
  /** The first command that was refused. `replayed`: it was refused before. */
  | ({ readonly ok: false; readonly index: number; readonly replayed: boolean } & Refusal);

/** Adds what is to be recorded to the journal and to `sealed`. Throws Unrecordable, and then has added nothing. */
export function ruleTogether(
  journal: BookJournal,
  commands: readonly BookCommand[],
  at: string,
  correlation: Correlation,
  sealed: SealedEvents,
): TogetherOutcome {
  const { events, verdicts, failed } = decideBulk(journal.state, commands, {
    atomic: true,
    at,
    seal: journal.sealer(),
  });
  const from = sealed.hashes.length;
  if (events.length > 0) journal.add(events, correlation, sealed);
  if (failed !== null) return { ok: false, ...failed, replayed: verdicts.at(-1)?.type === 'repeated' };
  let next = from;
  return { ok: true, receipts: verdicts.map((verdict) => receiptOf(verdict)) };

  function receiptOf(verdict: Verdict): Receipt {
    assert(reasonOf(verdict) === null && verdict.type !== 'refused', 'a bulk that succeeded has no refusal');
    if (verdict.type === 'repeated')
      return { at: verdict.outcome.at, reference: verdict.outcome.reference, replayed: true };
    next += verdict.events.length;
    const [hash, time] = [sealed.hashes[next - 1], sealed.times[next - 1]];
    assert(hash !== undefined && time !== undefined, 'a recorded verdict has events');
    return { at: time, reference: `0x${hash}`, replayed: false };
  }
}
