import { depositsToldMax, type CallOutcome, type CallRequest, type depositsOf } from '@daybook/contracts';
import type { DepositPlace } from '../projections/deposits';

export type TellDeps = {
  caughtUp(): Promise<void>;
  /** Of each reference, newest news first, `limit` at most. */
  depositsOf(
    references: readonly string[],
    limit: number,
  ): Promise<readonly (Pick<DepositPlace, 'depositId' | 'status'> & { readonly reference: string })[]>;
};

/** For whoever has to know of a deposit whose fact may still be on its way. */
export async function tellDeposits(
  deps: TellDeps,
  { references }: CallRequest<typeof depositsOf>,
): Promise<CallOutcome<typeof depositsOf>> {
  await deps.caughtUp();
  return { ok: true, value: { deposits: [...(await deps.depositsOf(references, depositsToldMax))] } };
}
