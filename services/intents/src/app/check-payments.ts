import { isOperationalError } from '@daybook/core';
import { duePass, type Clock, type Logger, type Pass } from '@daybook/runtime';
import type { PaymentChecks } from '../ports';
import type { AskProvider } from './ask-provider';

/** Looks of one process at one provider in one mode. Few, because providers limit requests. */
const atOnceMax = 10;
const firstPauseMs = 15_000;
const pauseMsMax = 86_400_000;
/** More than a year of asking: what is abandoned must not cost a request a day for ever. */
const looksMax = 400;

/**
 * One pass over the payments that are not decided and whose provider is to be asked; answers when the next is due. A webhook
 * that was lost, and a request whose outcome is unknown, are found here. Pauses double up to a day and go on for a year:
 * however late a provider takes the money, it has it, and nobody else would tell.
 *
 * Whoever is looked at in one pass waits for the slowest of it, and a provider may let each wait for its whole timeout: so
 * each provider has a worker with a pass of its own.
 */
export function checkPayments(deps: {
  readonly checks: PaymentChecks;
  readonly ask: AskProvider;
  readonly now: Clock;
  readonly logger: Logger;
}): Pass {
  const { checks, now } = deps;

  async function look({ transactionId, attempts }: { readonly transactionId: string; readonly attempts: number }) {
    if (attempts >= looksMax) return checks.end(transactionId);
    await checks.again(transactionId, new Date(now().getTime() + pauseMsAfter(attempts)));
    await deps.ask(transactionId, true).catch((error: unknown) => {
      if (!isOperationalError(error)) deps.logger.error({ error, transactionId }, 'a payment contradicts itself');
      else deps.logger.warn({ error, transactionId }, 'the provider did not answer');
    });
  }

  return duePass({ due: () => checks.due(now(), atOnceMax), look, next: checks.next });
}

function pauseMsAfter(attempts: number): number {
  return Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(attempts, 16));
}
