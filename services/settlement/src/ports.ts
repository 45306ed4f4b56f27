import type { CommandContext, Outcome } from '@daybook/event-store';
import type { IgnoredReason, SettlementEvent, SettlementInput, SettlementState } from './domain/settlement';

/** The workflow joined to its store. */
export type SettlementStore = {
  handle(
    stream: string,
    input: SettlementInput,
    context: CommandContext,
  ): Promise<Outcome<SettlementState, SettlementEvent, IgnoredReason>>;
};
