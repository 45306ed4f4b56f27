/**
 * Calls of one kind that are made while others of it are on their way travel together: the busier a service is, the
 * more calls share the price of one request. There is no timer; a lone call goes at once.
 *
 * A service that cannot keep up is not asked for what its callers have given up by now: calls that waited for too long are
 * refused without having been sent, and those behind them are still worth an answer.
 */

/** What a call carries. `body` is the request by its contract, as JSON. */
export type OutgoingCall = { readonly body: string; readonly correlationId: string; readonly causationId: string };
/** `body` is text, or what was parsed with the rest of a batch. */
export type CallAnswer = { readonly status: number; readonly body: unknown };
type Waiting = OutgoingCall & {
  /** Milliseconds of the queue's clock. */
  readonly since: number;
  readonly resolve: (answer: CallAnswer) => void;
  readonly reject: (error: unknown) => void;
};

/** Requests of one kind on their way at the same time; what comes then waits and travels together. */
const togetherFrom = 2;
/** Calls of one request at most, and their characters: with what is around them they stay below the body limit. */
const batchMax = 200;
const batchCharactersMax = 250_000;

export type CallQueue = (call: OutgoingCall) => Promise<CallAnswer>;

/** The call has not been sent. */
export class WaitedTooLong extends Error {
  override readonly name = 'WaitedTooLong';
}

/**
 * `send` makes one request of the calls and gives their answers in the same order. Calls that wait for `waitMaxMs` or more
 * are rejected with `WaitedTooLong` when their turn comes.
 */
export function callQueue(
  send: (calls: readonly OutgoingCall[]) => Promise<readonly CallAnswer[]>,
  { waitMaxMs, now = () => performance.now() }: { readonly waitMaxMs: number; readonly now?: () => number },
): CallQueue {
  const waiting: Waiting[] = [];
  let onTheirWay = 0;

  function refuseLate(): void {
    const oldest = now() - waitMaxMs;
    const inTime = waiting.findIndex(({ since }) => since > oldest);
    for (const { reject } of waiting.splice(0, inTime < 0 ? waiting.length : inTime)) reject(new WaitedTooLong());
  }

  function leave(): void {
    refuseLate();
    while (waiting.length > 0 && onTheirWay < togetherFrom) {
      onTheirWay += 1;
      void travel(waiting.splice(0, roomFor(waiting)));
    }
  }

  async function travel(calls: readonly Waiting[]): Promise<void> {
    try {
      const answers = await send(calls);
      calls.forEach(({ resolve }, index) => resolve(answers[index]!));
    } catch (error) {
      for (const { reject } of calls) reject(error);
    } finally {
      onTheirWay -= 1;
      leave();
    }
  }

  return (call) =>
    new Promise((resolve, reject) => {
      waiting.push({ ...call, since: now(), resolve, reject });
      // Calls of one turn of the event loop leave together.
      if (waiting.length === 1) setImmediate(leave);
    });
}

/** How many of those that wait fit into one request; at least one. */
function roomFor(waiting: readonly OutgoingCall[]): number {
  let characters = 0;
  const full = waiting.findIndex(({ body }, index) => {
    characters += body.length;
    return index === batchMax || (index > 0 && characters > batchCharactersMax);
  });
  return full < 0 ? waiting.length : full;
}
