/**
 * Callers wait for ten seconds. Then the client is told to try again, without an id that it could look for: what leaves
 * money behind has to be answered before. Four seconds are for what is asked before a record and four for what follows
 * it; two are left for the log.
 */
import { setTimeout as waitFor } from 'node:timers/promises';
import { isOperationalError } from '@daybook/core';
import { currentCorrelation, uuidv7, type Clock, type Logger } from '@daybook/runtime';

const withinMs = 4_000;

/** Ends after so many milliseconds, or when nobody needs it any more. */
export type Wait = (ms: number, value: undefined, options: { readonly signal: AbortSignal }) => Promise<unknown>;

/** The answer, or that it is late. The work is not ended by that. */
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

/** As commands are handled: decided on the newest state, which is told back. */
type Acknowledging<State> = {
  handle(
    stream: string,
    command: { readonly type: 'RecordAcknowledged'; readonly at: string },
    context: { readonly commandId: string; readonly correlationId: string; readonly causationId: string },
  ): Promise<{ readonly state: State }>;
};

/**
 * The state that the request is answered with, once it is recorded that it is. Whoever has heard of what they asked for is not
 * told later, under the same key, that it was refused: a refusal that comes after is told as its failure. Where that cannot be
 * recorded the answer is given all the same: who was told nothing would ask again, perhaps under another key.
 */
export async function acknowledged<State extends object>(
  { now, logger }: { readonly now: Clock; readonly logger: Logger },
  streams: Acknowledging<State>,
  stream: string,
  state: State,
): Promise<State> {
  const at = now();
  const context = { commandId: uuidv7(at), ...currentCorrelation(stream) };
  try {
    return (await streams.handle(stream, { type: 'RecordAcknowledged', at: at.toISOString() }, context)).state;
  } catch (error) {
    if (!isOperationalError(error)) throw error;
    logger.warn({ error, stream }, 'that a request was answered is not recorded');
    return state;
  }
}
