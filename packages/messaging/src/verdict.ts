import { isOperationalError } from '@daybook/core';
import { asOperational } from '@daybook/event-store';

/** The message itself is not what its contract says, so no attempt would go better. */
export class Undecodable extends Error {
  override readonly name = 'Undecodable';
}

/**
 * What becomes of a message whose handling failed. `wait`: the world failed, the partition waits for it. `again`: try a
 * bounded number of times, then park. `park` at once. `crash`: the process must not go on.
 */
export type Verdict = 'wait' | 'again' | 'park' | 'crash';

export function verdictOn(caught: unknown, group: string): Verdict {
  const error = asOperational(caught);
  if (isOperationalError(error)) return error.retryable ? 'wait' : 'again';
  if (error instanceof Undecodable) return 'park';
  // A broken invariant in the books is worse than a ledger that stands still.
  if (nameOf(error) === 'AssertionError') return group.startsWith('ledger.') ? 'crash' : 'park';
  return 'again';
}

/** Name and message, without the stack: it is stored, and read by operators. */
export function causeOf(error: unknown): string {
  const text =
    error instanceof Error || nameOf(error) !== undefined ? `${nameOf(error)}: ${messageOf(error)}` : String(error);
  return text.replaceAll('\0', '').slice(0, 2_000);
}

/** By name and not by class, because errors cross realms under test and packages may be installed twice. */
function nameOf(error: unknown): string | undefined {
  const name = (error as { name?: unknown } | null | undefined)?.name;
  return typeof name === 'string' ? name : undefined;
}

function messageOf(error: unknown): string {
  return String((error as { message?: unknown }).message);
}
