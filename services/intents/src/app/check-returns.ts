import { isOperationalError } from '@daybook/core';
import { duePass, type Clock, type Logger, type Pass } from '@daybook/runtime';
import type { ReturnCheck, ReturnChecks } from '../ports';
import type { AskProvider } from './ask-provider';

/** Looks of one process. Few, because providers limit requests, and payments that are being made go first. */
const atOnceMax = 5;
const dayMs = 86_400_000;
/**
 * Days after the money was taken. Payers may dispute a payment for 120 to 180 days, mostly, and what comes of it takes weeks
 * more. A notice of the provider leads to a look of its own.
 */
const lookDays = [1, 3, 7, 15, 31, 63, 127, 255];
/** A look that failed is made again after so long. */
const againMs = dayMs;
/** One that never succeeds is given up when the last has been due for so long. */
const lateMaxMs = 90 * dayMs;

/**
 * One pass over payments whose money was taken: what went back of it is asked for, when a notice was lost. Answers when the next
 * is due. Of several processes one looks at each that is due.
 */
export function checkReturns(deps: {
  readonly checks: ReturnChecks;
  readonly ask: AskProvider;
  readonly now: Clock;
  readonly logger: Logger;
}): Pass {
  const { checks, now, logger } = deps;

  async function look(check: ReturnCheck): Promise<void> {
    const { transactionId } = check;
    if (!(await checks.claim(check, new Date(now().getTime() + againMs)))) return;
    const at = now();
    try {
      await deps.ask(transactionId, true);
      await checks.done(transactionId, lookAfter(check, at));
    } catch (error) {
      if (isOperationalError(error)) logger.warn({ error, transactionId }, 'the provider did not say what went back');
      else logger.error({ error, transactionId }, 'what went back of a payment contradicts itself');
      if (at.getTime() > lookAt(check, lookDays.length - 1).getTime() + lateMaxMs)
        await checks.done(transactionId, null);
    }
  }

  return duePass({ due: () => checks.due(now(), atOnceMax), look, next: checks.next });
}

const lookAt = ({ since }: ReturnCheck, n: number) => new Date(since.getTime() + lookDays[n]! * dayMs);

/** The first that is still to come: what was late does not make the others late. */
function lookAfter(check: ReturnCheck, at: Date): Date | null {
  const next = lookDays.findIndex((_, n) => lookAt(check, n) > at);
  return next < 0 ? null : lookAt(check, next);
}
