/**
 * Where the service's log ends, in a server's log that others fill too. A reader that stands at the end would have the
 * server look through all that others have appended since, at every poll. So the end of the whole log is noted now and
 * then, with the tail of ours as it was after that: between the two there is nothing of ours, and readers begin behind.
 */
import { start, type Position } from '../event-store';
import { extentOf } from './append-events';
import { comparePlaces, comparePositions, placeOf, positionOf, type LogPlace } from './place';
import type { RecordedEvent, Wire } from './wire';

/** So often a quiet reader looks for the end of the whole log, at most. */
const lookEveryMs = 2_000;
/** From the last known tail, new events are mostly fewer; if not, the newest one is near the end. */
const tailPageSize = 64;

export function quietLog(prefix: string, saw: (place: LogPlace) => void) {
  /** Nothing of ours stands after `tail` up to `to`. */
  let known: { readonly tail: Position; readonly to: LogPlace } | undefined;
  let lookedAt = -Infinity;

  const lastPosition = (event: RecordedEvent) => {
    saw(event.place);
    return positionOf(event.place, extentOf(event).count - 1);
  };

  async function tail(wire: Wire): Promise<Position> {
    if (known !== undefined) {
      const from = { prefix, place: known.to };
      const page = await wire.read({ direction: 'forwards', limit: tailPageSize, from });
      const newest = page.at(-1);
      if (newest === undefined) return known.tail;
      if (page.length < tailPageSize) return lastPosition(newest);
    }
    const [newest] = await wire.read({ direction: 'backwards', limit: 1, from: { prefix, place: 'end' } });
    return newest === undefined ? start : lastPosition(newest);
  }

  return {
    tail,
    async look(wire: Wire): Promise<void> {
      if (performance.now() - lookedAt < lookEveryMs) return;
      lookedAt = performance.now();
      // In this order: what is appended between the two reads must be in the second.
      const [end] = await wire.read({ direction: 'backwards', limit: 1, from: { place: 'end' } });
      const ours = await tail(wire);
      if (end === undefined) return;
      const isBehind = ours === start || comparePlaces(placeOf(ours), end.place) < 0;
      known = { tail: ours, to: isBehind ? end.place : placeOf(ours) };
    },
    /** Where a reader that has seen everything up to `from` begins to read. */
    beginning(from: Position): LogPlace | 'start' {
      if (known !== undefined && comparePositions(from, known.tail) >= 0) {
        if (from === start || comparePlaces(placeOf(from), known.to) < 0) return known.to;
      }
      return from === start ? 'start' : placeOf(from);
    },
  };
}
