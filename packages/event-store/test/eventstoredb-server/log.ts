/** What the server keeps: one log, in which streams are the events of one name. In memory, gone with the process. */

export type LoggedEvent = {
  readonly id: string;
  readonly stream: string;
  readonly revision: bigint;
  /** Commit and prepare position, which are one for whoever writes without transactions. */
  readonly position: bigint;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
  /** Ticks of 100 nanoseconds since 1970. */
  readonly created: bigint;
};
export type Proposed = Pick<LoggedEvent, 'id' | 'type' | 'contentType' | 'data' | 'metadata'>;

export type Expected = 'any' | 'stream_exists' | 'no_stream' | bigint;
export type Written =
  | { readonly outcome: 'done'; readonly last: LoggedEvent }
  | { readonly outcome: 'wrong_version'; readonly actual: bigint | undefined };

export function serverLog() {
  const events: LoggedEvent[] = [];
  const streams = new Map<string, LoggedEvent[]>();
  const listeners = new Set<() => void>();
  let end = 0n;

  /** As the server decides: at the exact end it writes; elsewhere only what stands there with these ids is a repeat. */
  function append(stream: string, proposed: readonly Proposed[], expected: Expected): Written {
    const there = streams.get(stream) ?? [];
    const actual = there.at(-1)?.revision;
    const atEnd =
      expected === 'any' ||
      (expected === 'stream_exists'
        ? actual !== undefined
        : (expected === 'no_stream' ? undefined : expected) === actual);
    if (!atEnd) {
      const first = typeof expected === 'bigint' ? Number(expected) + 1 : 0;
      const repeated = there.slice(first, first + proposed.length);
      const isRepeat = repeated.length === proposed.length && repeated.every(({ id }, n) => id === proposed[n]?.id);
      return isRepeat ? { outcome: 'done', last: repeated.at(-1)! } : { outcome: 'wrong_version', actual };
    }
    for (const event of proposed) {
      end += BigInt(64 + event.data.length);
      const revision = BigInt(there.length);
      const logged = { ...event, stream, revision, position: end, created: BigInt(Date.now()) * 10_000n };
      there.push(logged);
      events.push(logged);
    }
    streams.set(stream, there);
    for (const tell of listeners) tell();
    return { outcome: 'done', last: there.at(-1)! };
  }

  return {
    append,
    events: events as readonly LoggedEvent[],
    stream: (name: string): readonly LoggedEvent[] => streams.get(name) ?? [],
    /** Index of the first event at the position or behind it. */
    indexOf(position: bigint): number {
      let [low, high] = [0, events.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (events[middle]!.position < position) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    onAppend(tell: () => void): () => void {
      listeners.add(tell);
      return () => void listeners.delete(tell);
    },
  };
}
