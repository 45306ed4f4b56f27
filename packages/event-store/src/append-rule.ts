/** The rule of appending that every adapter shares. */
import { assert, OperationalError } from '@daybook/core';
import { areColumns } from './event-columns';
import type { NewEvent, NewEvents, StoredEvent } from './event-store';

export function assertAppendable(events: NewEvents): void {
  assert(events.length > 0, 'append without events');
  // Whoever fills columns takes the ids from hashes.
  if (areColumns(events)) return;
  assert(
    new Set(Array.from(events, ({ id }) => id)).size === events.length,
    'append repeats an event id within itself',
  );
}

/** All ids already at this place: success. None: conflict. Some, or another payload: the program is wrong. */
export function settleRepeat(
  existing: readonly StoredEvent[],
  events: readonly NewEvent[],
  first: bigint,
): { revision: bigint } {
  const standing = new Map(existing.map((event) => [event.revision, event]));
  const there = events.map((event, index) => {
    const found = standing.get(first + BigInt(index));
    return found?.id === event.id ? found : undefined;
  });
  const matches = there.filter((found) => found !== undefined).length;
  if (matches === 0) throw new OperationalError('version_conflict', true);
  assert(matches === events.length, 'append repeats only a part of an earlier one');
  assert(
    events.every((event, index) => there[index]?.payload.equals(event.payload)),
    'event id repeated with another payload',
  );
  return { revision: first + BigInt(events.length) - 1n };
}
