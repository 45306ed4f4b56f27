import type { CallContract, CallOutcome } from '@daybook/contracts';
import { FailureError, type Failure } from '@daybook/http';
import type { z } from 'zod';

export type RejectionOf<Call> = Call extends CallContract<z.ZodType, z.ZodType, infer Rejection> ? Rejection : never;

/** The answer's value, or the dialect's failure for the reason it was refused. */
export function accepted<Call extends CallContract>(
  outcome: CallOutcome<Call>,
  table: Readonly<Record<RejectionOf<Call>, Failure>>,
  /** Says more of a refusal that is about something. */
  detailed: (failure: Failure, rejection: RejectionOf<Call>, about: string) => Failure = (failure) => failure,
): Extract<CallOutcome<Call>, { ok: true }>['value'] {
  const settled = outcome as
    { ok: true; value: never } | { ok: false; rejection: RejectionOf<Call>; replayed?: true; about?: string };
  if (settled.ok) return settled.value;
  const { rejection, replayed, about } = settled;
  const failure = about === undefined ? table[rejection] : detailed(table[rejection], rejection, about);
  throw new FailureError({ ...failure, ...(replayed === true ? { replayed } : {}) });
}
