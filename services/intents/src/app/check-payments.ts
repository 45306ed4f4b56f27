import { isOperationalError } from '@daybook/core';
import type { Clock, Logger } from '@daybook/runtime';
import type { PaymentChecks } from '../ports';
import type { AskProvider } from './ask-provider';

const batchSize = 20;
const firstPauseMs = 15_000;
const pauseMsMax = 86_400_000;
/** More than a year of asking: what is abandoned must not cost a request a day for ever. */
const looksMax = 400;

/**
 * One pass over the payments that are not decided and whose provider is to be asked; answers when the next is due. A webhook
 * that was lost, and a request whose outcome is unknown, are found here. Pauses double up to a day and go on for a year:
 * however late a provider takes the money, it has it, and nobody else would tell.
 */
export function checkPayments(deps: {
  readonly checks: PaymentChecks;
  readonly ask: AskProvider;
  readonly now: Clock;
  readonly logger: Logger;
}): () => Promise<Date | null> {
  const { checks, now } = deps;
  return async () => {
    for (;;) {
      const due = await checks.due(now(), batchSize);
      for (const { transactionId, attempts } of due) {
        if (attempts >= looksMax) {
          await checks.end(transactionId);
          continue;
        }
        await checks.again(transactionId, new Date(now().getTime() + pauseMsAfter(attempts)));
        await deps.ask(transactionId, true).catch((error: unknown) => {
          if (!isOperationalError(error)) deps.logger.error({ error, transactionId }, 'a payment contradicts itself');
          else deps.logger.warn({ error, transactionId }, 'the provider did not answer');
        });
      }
      if (due.length < batchSize) return checks.next();
    }
  };
}

function pauseMsAfter(attempts: number): number {
  return Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(attempts, 16));
}
