import { isOperationalError } from '@daybook/core';
import type { Clock, Logger } from '@daybook/runtime';
import type { TransferChecks } from '../ports';
import type { AdvanceTransfer } from './advance-transfer';

const batchSize = 20;
const firstPauseMs = 15_000;
const pauseMsMax = 3_600_000;

/**
 * One pass over the transfers that are not decided: what was not answered is asked again; answers when the next is due.
 * Pauses double up to an hour, and there is no last attempt: money is held meanwhile, and a bank that is not heard of is not
 * one that refused.
 */
export function checkTransfers(deps: {
  readonly checks: TransferChecks;
  readonly advance: AdvanceTransfer;
  readonly now: Clock;
  readonly logger: Logger;
}): () => Promise<Date | null> {
  const { checks, advance, now, logger } = deps;
  return async () => {
    for (;;) {
      const due = await checks.due(now(), batchSize);
      for (const { transactionId, attempts } of due) {
        const pauseMs = Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(attempts, 16));
        await checks.again(transactionId, new Date(now().getTime() + pauseMs));
        await advance(transactionId).catch((error: unknown) => {
          if (isOperationalError(error)) logger.warn({ error, transactionId }, 'ledger or institution did not answer');
          else logger.error({ error, transactionId }, 'a transfer contradicts itself');
        });
      }
      if (due.length < batchSize) return checks.next();
    }
  };
}
