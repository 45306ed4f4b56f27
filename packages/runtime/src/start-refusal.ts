import { isOperationalError } from '@daybook/core';

/** Why a program does not start, where whoever started it can help: told as it is, without where in it that was found. */
export class StartRefusal extends Error {
  override readonly name: string = 'StartRefusal';
}

/**
 * What is said of an error of a start. Of a refusal its message; of something that is away, which part needs it and what
 * that was told; of anything else all there is, because it is a fault of the program.
 */
export function startFailure(error: unknown): string {
  const causes = [...causesOf(error)];
  const refusal = causes.find((cause) => cause instanceof StartRefusal);
  if (refusal !== undefined) return refusal.message;
  if (!causes.some((cause) => isOperationalError(cause))) return fault(error);
  const [said, reason] = [reasonOf(error), reasonOf(causes.at(-1))];
  return said.includes(reason) ? said : `${said}: ${reason}`;
}

/** The stacks alone: what else libraries keep in their errors may be an address with its key. */
function fault(error: unknown): string {
  const stacks = [...causesOf(error)].map(({ stack, message }) => stack ?? message);
  return stacks.length === 0 ? String(error) : stacks.join('\ncaused by ');
}

/** Of an error of a connection. Node says nothing itself where every address of a name has failed. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}

function* causesOf(error: unknown): Iterable<Error> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause;
}
