import type { Logger } from '@daybook/runtime';
import type { IgnoredReason, SettlementInput } from '../domain/settlement';
import type { SettlementStore } from '../ports';

/** These contradict what is recorded: nothing of ours sends them, so they are set aside with their cause. */
const contradictions: readonly IgnoredReason[] = ['started_with_other_terms', 'posted_with_other_reference'];

/**
 * Gives the workflow one input. Ids and time come from the message, so two that handle it at once write the same
 * events. An input that is ignored says why in the log.
 */
export function advanceSettlement(settlements: SettlementStore, logger: Logger) {
  return async (
    settlementId: string,
    input: SettlementInput,
    message: { readonly id: string; readonly correlationId: string },
  ): Promise<void> => {
    const outcome = await settlements.handle(`settlement-${settlementId}`, input, {
      commandId: message.id,
      correlationId: message.correlationId,
      causationId: message.id,
    });
    if (outcome.ok) return;
    const { rejection: reason } = outcome;
    if (contradictions.includes(reason)) throw new Error(`${input.type} for settlement ${settlementId}: ${reason}`);
    logger.debug({ settlementId, input: input.type, reason }, 'input ignored');
  };
}

export type AdvanceSettlement = ReturnType<typeof advanceSettlement>;
