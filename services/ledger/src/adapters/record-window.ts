/**
 * The records of a book that are in memory: all open ones, and of the closed ones those that were touched or asked for
 * lately. The others are forgotten and recalled from the journal when a command needs them.
 *
 * Why a command is never decided without the record of an id that was recorded:
 *
 *   1  Whether a record is at hand is asked in the turn in which the command is decided, so the answer cannot grow old.
 *      It is at hand when it is in memory, or when no event can have made it: the index says that it has certainly not
 *      been noted, or a look into the index found no event that touches it (`absent`).
 *   2  Only durable events are noted, and a record is forgotten only if the last event that touched it was noted. So a
 *      record that is not in memory has all its events in the index, and they are in the store.
 *   3  While a recall is under way nothing is decided (the engine sees to it), so no record is made or changed between
 *      the look and its result. A record that is in memory is never replaced by what a recall brings.
 *   4  An event may touch a record that is not in memory without its command naming it; `apply` leaves the record absent,
 *      and by 2 a later recall folds that event too.
 *   5  `absent` loses an id when its record is forgotten, so that what was made since is found.
 *
 * A conflict of writers gives a new journal with a new window: nothing here outlives the state that it speaks of, except
 * the filter, which may know ids too many but never too few, because every event that is read is noted.
 */
import type { EventStore, StoredEvent } from '@daybook/event-store';
import type { BookEvent } from '../domain/book-events';
import type { BookState } from '../domain/book-state';
import { isOpen, recordIdsOf, recordsFrom, type EventPlace } from '../domain/records';
import type { RecordIndex } from './record-index';
import { decodeBookEvent, referenceOf } from './stored-events';

export type RecordWindow = {
  /** An event was applied; it is not durable yet. */
  applied(event: BookEvent, sequence: number): void;
  /** All events before this one are durable. */
  durable(before: number): void;
  isAtHand(ids: readonly string[]): boolean;
  recall(ids: ReadonlySet<string>): Promise<void>;
};

type Deps = {
  readonly store: EventStore;
  readonly stream: string;
  readonly state: BookState;
  readonly index: RecordIndex;
  readonly recordsMax: number;
};

/** Ids whose absence is remembered at most, beside those that are asked for. */
const absentMax = 10_000;
/** Noted ones that are not dropped yet. */
const pendingMax = 8_192;
/** Reads at the same time. */
const readsMax = 16;
/** Events of one read, and how far apart two of them that are wanted may be: a read costs as much as a hundred. */
const runMax = 1_000;
const gapMax = 128;

export function recordWindow({ store, stream, state, index, recordsMax }: Deps): RecordWindow {
  const { records } = state;
  /** What is to be noted of events that are not durable: a place and a hash, one behind the other. */
  let pending: number[] = [];
  let noted = 0;
  const absent = new Set<string>();

  /** Forgets those that were not set since the last turn, but for what is open or not durable. */
  const turn = (before: number) => {
    records.turn((id, record) => {
      if (isOpen(record)) return 'apart';
      if (record.sequence >= before) return 'young';
      absent.delete(id);
      return 'forgotten';
    });
  };

  // Most ids are new, and the index knows that without looking into a map.
  const isMissing = (id: string) => index.mayHave(id) && !records.has(id) && !absent.has(id);

  return {
    applied(event, sequence) {
      const ids = recordIdsOf(event);
      for (let at = 0; at < ids.length; at++) {
        const hash = index.hashOf(ids[at]!);
        index.expect(hash);
        pending.push(sequence, hash);
      }
    },
    durable(before) {
      for (; noted < pending.length && pending[noted]! < before; noted += 2) {
        index.note(pending[noted]!, pending[noted + 1]!);
      }
      if (noted === pending.length) {
        pending = [];
        noted = 0;
      } else if (noted > pendingMax) {
        pending = pending.slice(noted);
        noted = 0;
      }
      if (records.youngSize() >= recordsMax / 2) turn(before);
    },
    isAtHand(ids) {
      for (let at = 0; at < ids.length; at++) if (isMissing(ids[at]!)) return false;
      return true;
    },
    async recall(ids) {
      const missing = new Set([...ids].filter(isMissing));
      if (missing.size === 0) return;
      const places = await index.placesOf(missing);
      const found = recordsFrom(missing, await eventsAt(store, stream, places));
      // What is asked for now stays: without it a command of ids of both looks would never have all of them at hand.
      if (absent.size > absentMax) for (const id of absent) if (!ids.has(id)) absent.delete(id);
      for (const id of missing) {
        const record = found.get(id);
        if (record === undefined) {
          absent.add(id);
        } else if (!records.has(id)) {
          records.set(id, record);
        }
      }
    },
  };
}

type PlacedEvent = { readonly event: BookEvent; readonly place: EventPlace };

/** What was recorded together stands together: the ids of a bulk are read at once, not one by one. */
async function eventsAt(store: EventStore, stream: string, places: readonly number[]): Promise<PlacedEvent[]> {
  const wanted = new Set(places);
  const runs = runsOf(places);
  const events: PlacedEvent[] = [];
  for (let from = 0; from < runs.length; from += readsMax) {
    const read = runs.slice(from, from + readsMax).map(async ({ first, last }) => {
      const stored = await store.readStream(stream, { from: BigInt(first), limit: last - first + 1 });
      return stored.filter(({ revision }) => wanted.has(Number(revision))).map(placed);
    });
    events.push(...(await Promise.all(read)).flat());
  }
  return events;
}

function placed(stored: StoredEvent): PlacedEvent {
  const place = { sequence: Number(stored.revision), reference: referenceOf(stored.payload) };
  return { event: decodeBookEvent(stored).event, place };
}

type Run = { readonly first: number; last: number };

/** Places in order, those that are near each other in one. */
function runsOf(places: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (const place of places) {
    const run = runs.at(-1);
    if (run !== undefined && place - run.last <= gapMax && place - run.first < runMax) run.last = place;
    else runs.push({ first: place, last: place });
  }
  return runs;
}
