/** Reads the journal of a book for those who look on. */
import type { Mode } from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { decodeBookEvent, referenceOf } from '../../adapters/stored-events';
import type { BookEvent } from '../../domain/book-events';
import type { Place, Step } from './refold';
import type { CheckSource } from './source';

export type Observer = {
  /** Every event as it is stored, also one that cannot be read. */
  stored?(event: StoredEvent, sequence: number): void;
  step?(step: Step): void;
  /** After some steps: all events with `from <= sequence < to` that the tables show were seen. */
  upTo?(from: number, to: number): Promise<void>;
  /** All events that the tables show were seen; the book stands where the tables stand. */
  atTables?(): Promise<void>;
  /** All events were seen. */
  end?(): void;
};

export type Reading = {
  readonly source: CheckSource;
  readonly mode: Mode;
  /** The event to begin with; how many the tables show, and how many there are. */
  readonly from: number;
  readonly tables: number;
  readonly journal: number;
  readonly signal: AbortSignal;
  progress(done: number): void;
  /** Makes the step of an event. What it throws is about the event, not about the program. */
  stepOf(event: BookEvent, place: Place): Step;
};

/** Why nothing behind an event could be looked at; undefined when all of the book was. */
export type Unread = { readonly sequence: number; readonly reason: string } | undefined;

/** From an event that cannot be read on, observers see stored events only. */
export async function readBook(reading: Reading, observers: readonly Observer[]): Promise<Unread> {
  const { from, tables, journal } = reading;
  let unread = await readSegment(reading, observers, { from, to: tables, unread: undefined, shown: true });
  if (unread === undefined) for (const observer of observers) await observer.atTables?.();
  unread = await readSegment(reading, observers, { from: tables, to: journal, unread, shown: false });
  if (unread === undefined) for (const observer of observers) observer.end?.();
  return unread;
}

type Segment = { readonly from: number; readonly to: number; readonly unread: Unread; readonly shown: boolean };

async function readSegment(reading: Reading, observers: readonly Observer[], segment: Segment): Promise<Unread> {
  const { source, mode, signal } = reading;
  const { from, to, shown } = segment;
  let { unread } = segment;
  let seen = from;
  const settle = async (until: number) => {
    if (shown && until > seen) for (const observer of observers) await observer.upTo?.(seen, until);
    seen = Math.max(seen, until);
  };
  if (to > from) {
    for await (const batch of source.events(mode, from, to)) {
      signal.throwIfAborted();
      for (const stored of batch) {
        const sequence = Number(stored.revision);
        for (const observer of observers) observer.stored?.(stored, sequence);
        unread ??= take(reading, observers, stored, sequence);
      }
      const last = batch.at(-1);
      if (last === undefined) continue;
      if (unread === undefined) await settle(Number(last.revision) + 1);
      reading.progress(Number(last.revision) + 1);
    }
  }
  await settle(unread === undefined ? to : unread.sequence);
  return unread;
}

function take(reading: Reading, observers: readonly Observer[], stored: StoredEvent, sequence: number): Unread {
  let step: Step;
  try {
    const { event } = decodeBookEvent(stored);
    const reference = referenceOf(stored.payload);
    step = reading.stepOf(event, { sequence, reference, metadata: stored.metadata });
  } catch (error) {
    return { sequence, reason: `event ${sequence} of ${stored.stream} cannot be read: ${(error as Error).message}` };
  }
  for (const observer of observers) observer.step?.(step);
  return undefined;
}
