/** Commands as they are answered to a caller: really, or as they would be now, with nothing recorded. */
import { assert } from '@daybook/core';
import type { Clock } from '@daybook/runtime';
import { decide } from '../domain/book';
import { recordIdsNeeded, type BookCommand } from '../domain/book-commands';
import type { BookState } from '../domain/book-state';
import { decideBulk } from '../domain/bulk';
import { reasonOf, taken, type Refusal, type Verdict } from '../domain/verdict';
import type { Engine } from './engine';

/** `ledgerReference` is null when nothing was recorded. */
export type Answer =
  | { readonly ok: true; readonly at: string; readonly ledgerReference: string | null; readonly replayed: boolean }
  | ({ readonly ok: false; readonly replayed: boolean } & Refusal);

export type BulkAnswer = {
  readonly outcomes: readonly Answer[];
  readonly failed: ({ readonly index: number; readonly replayed: boolean } & Refusal) | null;
};

export async function answerTo(engine: Engine, command: BookCommand): Promise<Answer> {
  const outcome = await engine.submit(command);
  if (!outcome.ok) return outcome;
  const { at, reference, replayed } = outcome;
  return { ok: true, at, ledgerReference: reference === '' ? null : reference, replayed };
}

export function dryRunOf(engine: Engine, command: BookCommand, now: Clock): Promise<Answer> {
  return engine.read((state) => {
    const at = timeIn(state, now);
    return foreseen(decide(state, command, at), at);
  }, recordIdsNeeded(command));
}

/** The answer that the id already has, or null. A read of the book, in line with what is submitted: it records nothing. */
export function replayOf(engine: Engine, commandId: string, contentHash: string): Promise<Answer | null> {
  return engine.read(
    (state) => {
      const verdict = taken(state, commandId, contentHash);
      return verdict && foreseen(verdict, state.lastAt);
    },
    [commandId],
  );
}

export async function bulkAnswerTo(
  engine: Engine,
  commands: readonly BookCommand[],
  { atomic }: { readonly atomic: boolean },
): Promise<BulkAnswer> {
  if (!atomic) return { outcomes: await answersTo(engine, commands), failed: null };
  const { ok, ...rest } = await engine.submitTogether(commands);
  if ('receipts' in rest) {
    const outcomes = rest.receipts.map(
      ({ at, reference, replayed }) => ({ ok: true, at, ledgerReference: reference, replayed }) as const,
    );
    return { outcomes, failed: null };
  }
  assert(!ok, 'a bulk that failed says where');
  return { outcomes: [], failed: rest };
}

/** The queue is everybody's: a few bulks at once would fill it. */
const portionMax = 1_000;

async function answersTo(engine: Engine, commands: readonly BookCommand[]): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (let from = 0; from < commands.length; from += portionMax) {
    const portion = commands.slice(from, from + portionMax);
    answers.push(...(await Promise.all(portion.map((each) => answerTo(engine, each)))));
  }
  return answers;
}

export function bulkDryRunOf(
  engine: Engine,
  commands: readonly BookCommand[],
  { atomic, now }: { readonly atomic: boolean; readonly now: Clock },
): Promise<BulkAnswer> {
  return engine.read(
    (state) => {
      const at = timeIn(state, now);
      const { verdicts, failed } = decideBulk(state, commands, { atomic, at, seal: () => '' });
      if (failed === null) return { outcomes: verdicts.map((verdict) => foreseen(verdict, at)), failed: null };
      return { outcomes: [], failed: { ...failed, replayed: verdicts.at(-1)?.type === 'repeated' } };
    },
    [...new Set(commands.flatMap(recordIdsNeeded))],
  );
}

function timeIn({ lastAt }: BookState, now: Clock): string {
  const time = now().toISOString();
  return time > lastAt ? time : lastAt;
}

function foreseen(verdict: Verdict, now: string): Answer {
  const refusal = reasonOf(verdict);
  if (refusal !== null) return { ok: false, ...refusal, replayed: verdict.type === 'repeated' };
  if (verdict.type !== 'repeated') return { ok: true, at: now, ledgerReference: null, replayed: false };
  const { at, reference } = verdict.outcome;
  return { ok: true, at, ledgerReference: reference === '' ? null : reference, replayed: true };
}
