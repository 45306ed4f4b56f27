/**
 * Where streams end, in both countings: the port's, by event, and the server's, by append. A memory only: the server
 * decides every append by the exact revision, and a place that is out of date is looked up again.
 */
import { extentOf } from './append-events';
import type { RecordedEvent, Wire } from './wire';

export type StreamEnd = {
  /** The port's revision of the next event. */
  readonly next: bigint;
  /** The server's revision of the last append. */
  readonly last: bigint | 'no_stream';
};

const streamsMax = 10_000;

export function streamEnds() {
  const ends = new Map<string, StreamEnd>();

  const put = (stream: string, end: StreamEnd) => {
    const known = ends.get(stream);
    if (known !== undefined && known.next >= end.next) return;
    ends.delete(stream);
    ends.set(stream, end);
    const [oldest] = ends.keys();
    if (ends.size > streamsMax && oldest !== undefined) ends.delete(oldest);
  };

  return {
    known: (stream: string) => ends.get(stream),
    put,
    forget: (stream: string) => void ends.delete(stream),
    async lookUp(wire: Wire, stream: string): Promise<StreamEnd> {
      const from = { stream, revision: 'end' } as const;
      const [newest] = await wire.read({ direction: 'backwards', limit: 1, from });
      const end: StreamEnd = newest === undefined ? { next: 0n, last: 'no_stream' } : endAfter(newest);
      ends.delete(stream);
      if (newest !== undefined) put(stream, end);
      return end;
    },
  };
}

function endAfter(event: RecordedEvent): StreamEnd {
  const { first, count } = extentOf(event);
  return { next: first + BigInt(count), last: event.revision };
}

/**
 * The server's revision of the append that holds the port's revision `from`, which must exist. An append holds at least
 * one event, so it stands at `from` or before. Reads near the end, where readers mostly look, cost the fewest.
 */
export async function seek(wire: Wire, stream: string, from: bigint, last: bigint): Promise<bigint> {
  const holdsOrBefore = async (at: bigint) => {
    const [event] = await wire.read({ direction: 'forwards', limit: 1, from: { stream, revision: at } });
    return event !== undefined && extentOf(event).first <= from;
  };
  let high = from < last ? from : last;
  let low = high;
  for (let step = 1n; low > 0n && !(await holdsOrBefore(low)); step *= 2n) {
    high = low - 1n;
    low = low > step ? low - step : 0n;
  }
  // The first append begins at 0, so `low` holds it or is before it.
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (await holdsOrBefore(middle)) low = middle;
    else high = middle - 1n;
  }
  return low;
}
