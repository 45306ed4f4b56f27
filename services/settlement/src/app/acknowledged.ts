import { isOperationalError } from '@daybook/core';
import { currentCorrelation, uuidv7, type Clock, type Logger } from '@daybook/runtime';

/** As commands are handled: decided on the newest state, which is told back. */
type Acknowledging<State> = {
  handle(
    stream: string,
    command: { readonly type: 'RecordAcknowledged'; readonly at: string },
    context: { readonly commandId: string; readonly correlationId: string; readonly causationId: string },
  ): Promise<{ readonly state: State }>;
};

/**
 * The state that the request is answered with, once it is recorded that it is. Whoever has heard of what they asked for is not
 * told later, under the same key, that it was refused: a refusal that comes after is told as its failure. Where that cannot be
 * recorded the answer is given all the same: who was told nothing would ask again, perhaps under another key.
 */
export async function acknowledged<State extends object>(
  { now, logger }: { readonly now: Clock; readonly logger: Logger },
  streams: Acknowledging<State>,
  stream: string,
  state: State,
): Promise<State> {
  const at = now();
  const context = { commandId: uuidv7(at), ...currentCorrelation(stream) };
  try {
    return (await streams.handle(stream, { type: 'RecordAcknowledged', at: at.toISOString() }, context)).state;
  } catch (error) {
    if (!isOperationalError(error)) throw error;
    logger.warn({ error, stream }, 'that a request was answered is not recorded');
    return state;
  }
}
