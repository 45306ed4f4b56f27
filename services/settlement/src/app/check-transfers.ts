import { isOperationalError } from '@daybook/core';
import { duePass, type Clock, type Logger, type Pass } from '@daybook/runtime';
import type { TransferChecks } from '../ports';
import type { AdvanceTransfer } from './advance-transfer';

const atOnceMax = 20;
const firstPauseMs = 15_000;
const pauseMsMax = 3_600_000;

/**
 * One pass over the transfers that are not decided: what was not answered is asked again; answers when the next is due.
 * Pauses double up to an hour, and there is no last attempt: money is held meanwhile, and a bank that is not heard of is not
 * one that refused.
 *
 * One pass serves all banks: one is a table, the others are told by files and asked nothing, so that none lets another wait.
 */
export function checkTransfers(deps: {
  readonly checks: TransferChecks;
  readonly advance: AdvanceTransfer;
  readonly now: Clock;
  readonly logger: Logger;
}): Pass {
  const { checks, advance, now, logger } = deps;

  async function look({ transactionId, attempts }: { readonly transactionId: string; readonly attempts: number }) {
    const pauseMs = Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(attempts, 16));
    await checks.again(transactionId, new Date(now().getTime() + pauseMs));
    await advance(transactionId).catch((error: unknown) => {
      if (isOperationalError(error)) logger.warn({ error, transactionId }, 'ledger or institution did not answer');
      else logger.error({ error, transactionId }, 'a transfer contradicts itself');
    });
  }

  return duePass({ due: () => checks.due(now(), atOnceMax), look, next: checks.next });
}
