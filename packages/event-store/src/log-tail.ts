/**
 * The newest events as they were read last, for the other readers of the process: read models, relay and whatever else
 * follows the log ask for the same events a moment apart. What follows a place in the log never changes once it was read,
 * so what is remembered is exact; there may be more behind it, and the next reading tells.
 */
import type { EventStore, Position, StoredEvent } from './event-store';

type Read = (from: Position, limit: number) => Promise<readonly StoredEvent[]>;

const eventsMax = 2_048;
/** Whoever reads more at once reads a backlog, and leaves the tail to those who follow it. */
const portionMax = 512;

const shared = new WeakSet<StoredEvent>();

const tails = new WeakMap<EventStore, Read>();

/** `readAll` for those who follow the log. Who examines it reads the store itself. */
export function followedLog(store: EventStore): Read {
  const known = tails.get(store);
  if (known !== undefined) return known;
  const tail = logTail((from, limit) => store.readAll(from, limit));
  tails.set(store, tail);
  return tail;
}

export function logTail(read: Read): Read {
  /** In a row, behind `begin`. */
  let events: StoredEvent[] = [];
  let begin: Position | undefined;
  let places = new Map<Position, number>();
  const reading = new Map<Position, Promise<readonly StoredEvent[]>>();

  function remember(from: Position, found: readonly StoredEvent[]): void {
    if (found.length === 0 || found.length > portionMax) return;
    const goesOn = from === events.at(-1)?.position;
    if (!goesOn || events.length + found.length > eventsMax) {
      [events, begin, places] = [[], from, new Map()];
    }
    for (const event of found) {
      places.set(event.position, events.push(event) - 1);
      shared.add(event);
    }
  }

  function remembered(from: Position, limit: number): readonly StoredEvent[] {
    const start = from === begin ? 0 : (places.get(from) ?? events.length) + 1;
    return events.slice(start, start + limit);
  }

  async function readOnce(from: Position, limit: number): Promise<readonly StoredEvent[]> {
    const found = await read(from, limit);
    remember(from, found);
    return found;
  }

  return async (from, limit) => {
    const known = remembered(from, limit);
    if (known.length > 0) return known;
    const others = reading.get(from);
    if (others !== undefined) {
      // Who asked before may get to see less than is there by now, so nothing found is no answer.
      const found = await others.catch(() => []);
      if (found.length > 0) return found.slice(0, limit);
    }
    const own = readOnce(from, limit).finally(() => {
      if (reading.get(from) === own) reading.delete(from);
    });
    reading.set(from, own);
    return own;
  };
}

/** The decoding of an event that several readers get is done once. What they get is theirs together: not to be changed. */
export function decodedOnce<Decoded extends object>(decode: (event: StoredEvent) => Decoded): typeof decode {
  const known = new WeakMap<StoredEvent, Decoded>();
  return (event) => {
    if (!shared.has(event)) return decode(event);
    const found = known.get(event);
    if (found !== undefined) return found;
    const decoded = decode(event);
    known.set(event, decoded);
    return decoded;
  };
}
