/**
 * Callers wait for ten seconds. Then the client is told to try again, without an id that it could look for: what leaves
 * money behind has to be answered before. Four seconds are for what is asked before a record and four for what follows
 * it; two are left for the log.
 */
import { setTimeout as waitFor } from 'node:timers/promises';
import { isOperationalError } from '@daybook/core';
import type { Logger } from './logger';

const withinMs = 4_000;

/** Ends after so many milliseconds, or when nobody needs it any more. */
export type Wait = (ms: number, value: undefined, options: { readonly signal: AbortSignal }) => Promise<unknown>;

/** The answer, or that it is late. The work is not ended by that, and what it throws later is for whoever began it. */
export async function within<Answer>(
  work: Promise<Answer>,
  ms: number,
  wait: Wait = waitFor,
): Promise<Answer | 'late'> {
  const enough = new AbortController();
  try {
    return await Promise.race([work, wait(ms, undefined, { signal: enough.signal }).then(() => 'late' as const)]);
  } finally {
    enough.abort();
  }
}

/** The answer, or undefined when a caller could not be told of it in time. */
export async function inTime<Answer>(work: Promise<Answer>, wait?: Wait): Promise<Answer | undefined> {
  const answer = await within(work, withinMs, wait);
  return answer === 'late' ? undefined : answer;
}

/**
 * What was recorded, as far as it comes in time. Whoever does not answer is waited for without the caller, and asked again
 * by the worker.
 */
export async function advancedInTime<State extends object>(
  deps: {
    readonly advance: (transactionId: string) => Promise<State>;
    readonly stateOf: (transactionId: string) => Promise<State>;
    readonly logger: Logger;
    readonly wait?: Wait | undefined;
  },
  transactionId: string,
): Promise<State> {
  const { logger, wait } = deps;
  let isLate = false;
  const advancing = deps.advance(transactionId).catch((error: unknown) => {
    if (isOperationalError(error)) logger.warn({ error, transactionId }, 'what was created is gone on with later');
    else if (isLate) logger.error({ error, transactionId }, 'what was created contradicts itself');
    else throw error;
    return undefined;
  });
  const state = await inTime(advancing, wait);
  isLate = true;
  return state ?? deps.stateOf(transactionId);
}
