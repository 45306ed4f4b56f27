import { isOperationalError } from '@daybook/core';
import { duePass, type Clock, type Logger, type Pass } from '@daybook/runtime';
import type { SendChecks } from '../ports';
import type { AdvanceSend } from './advance-send';

const atOnceMax = 20;
/** As long as a chain usually takes. */
const quickAttempts = 60;
const pauseMsMax = 30_000;

/**
 * One pass over sends that are not done; answers when the next is due. What a crash, a signer or a node left open is gone
 * on with here. At first every `pauseMs`, later less often, but always: what was signed may still be included.
 *
 * Whoever is looked at in one pass waits for the slowest of it, so each chain has a worker with a pass of its own.
 */
export function checkSends(deps: {
  readonly checks: SendChecks;
  readonly advance: AdvanceSend;
  readonly pauseMs: number;
  readonly now: Clock;
  readonly logger: Logger;
}): Pass {
  const { checks, now } = deps;

  async function look({ transactionId, attempts }: { readonly transactionId: string; readonly attempts: number }) {
    const quick = Math.max(0, attempts - quickAttempts);
    const pauseMs = Math.max(deps.pauseMs, Math.min(pauseMsMax, deps.pauseMs * 2 ** Math.min(quick, 16)));
    await checks.again(transactionId, new Date(now().getTime() + pauseMs));
    await deps.advance(transactionId).catch((error: unknown) => {
      if (isOperationalError(error)) deps.logger.warn({ error, transactionId }, 'a send does not get on');
      else deps.logger.error({ error, transactionId }, 'a send contradicts itself');
    });
  }

  return duePass({ due: () => checks.due(now(), atOnceMax), look, next: checks.next });
}
