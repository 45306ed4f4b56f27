import { EmbeddedServerError } from '@daybook/embedded';

/** Why Daybook does not start, where whoever started it can help: told in one line, without where in the program it was found. */
export class StartRefusal extends Error {
  override readonly name = 'StartRefusal';
}

/** The refusal that an error of a start comes from, if it does. */
export function refusalIn(error: unknown): StartRefusal | EmbeddedServerError | undefined {
  if (error instanceof StartRefusal || error instanceof EmbeddedServerError) return error;
  return error instanceof Error && error.cause !== undefined ? refusalIn(error.cause) : undefined;
}
