/**
 * Telling callers what became of what they asked. Many at once are told in portions between turns of the event loop, so
 * that a large batch does not keep the process from its connections.
 */
import type { Correlation } from '@daybook/runtime';
import type { BookCommand } from '../domain/book-commands';
import type { BookState } from '../domain/book-state';
import { createQueue } from './queue';

/** Called in the turn in which the append is through. It must not throw. */
export type Done<Answer> = (error: unknown, answer: Answer | undefined) => void;

/** A command or a question. Decided on the state as it is then, and again after a reload. */
export type Job = {
  readonly command: BookCommand | null;
  readonly correlation: Correlation | null;
  readonly query: ((state: BookState) => unknown) | null;
  /** Ids of the records that it needs. */
  readonly records: readonly string[];
  readonly done: Done<never>;
  answer: unknown;
  /** Failed alone, and has been told. */
  failed: boolean;
};

export type Answers = {
  /** The answers of these jobs are durable. `atOnce` if nothing is kept waiting by it, and they are few. */
  give(jobs: readonly Job[], atOnce: boolean): void;
  /** Resolves when all are told; undefined when they are. */
  underWay(): Promise<void> | undefined;
};

/** Callers that are answered in one turn of the event loop. */
const answersMax = 256;

export function createAnswers(): Answers {
  const settled = createQueue<Job>();
  let telling: Promise<void> | undefined;

  async function tellSettled(): Promise<void> {
    while (settled.size() > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      for (let left = answersMax; left > 0 && settled.size() > 0; left--) tell(settled.shift());
    }
  }

  return {
    give(jobs, atOnce) {
      if (atOnce && telling === undefined && jobs.length <= answersMax) {
        for (const job of jobs) tell(job);
        return;
      }
      for (const job of jobs) settled.push(job);
      telling ??= tellSettled().finally(() => (telling = undefined));
    },
    underWay: () => telling,
  };
}

function tell(job: Job): void {
  if (!job.failed) job.done(null, job.answer as never);
}
