import type { EventColumns, EventMetadata } from '@daybook/event-store';
import type { BookEvent } from './domain/book-events';
import type { BookState } from './domain/book-state';

/** Events sealed behind each other, to be made durable as one append. */
export type SealedEvents = {
  /** Sequence of the first, once there is one. */
  first: number;
  readonly columns: EventColumns;
  /** Hex SHA-256 of the payload of each, and when it was recorded. */
  readonly hashes: string[];
  readonly times: string[];
  /** How often they were handed to the store. */
  attempts: number;
};

/** An event that has no stored form, such as an amount of more digits than fit. Its command is at fault, not the book. */
export class Unrecordable extends Error {
  override readonly name = 'Unrecordable';
}

/** A book and where it is kept. Sealing is ahead of storing by what has not been appended yet. */
export type BookJournal = {
  readonly state: BookState;
  /** Hash of the last event of the state. */
  head(): string;
  /** Reads what is stored from where the state stands. */
  load(): Promise<void>;
  /** Nothing yet, to be added to until it is appended. */
  begin(): SealedEvents;
  /**
   * Seals events behind the last one and applies them to the state at once: all, or none with `Unrecordable`. Adds them
   * to `sealed`, and returns the reference of the last: `0x` and the hash of its bytes.
   */
  add(events: readonly BookEvent[], metadata: EventMetadata, sealed: SealedEvents): string;
  /** The references that `add` would give to events one after the other, without adding them; with `Unrecordable`. */
  sealer(): (event: BookEvent, sequence: number) => string;
  /**
   * Makes sealed events durable, all or none, in the order of their adding. Fails as `EventStore.append` does; when it
   * does not, they are not to be used any more.
   */
  append(sealed: SealedEvents): Promise<void>;
  /** Whether nobody else has stored anything behind what this journal loaded and appended. */
  isCurrent(): Promise<boolean>;
  /** Whether exactly these events are stored in their places. */
  holds(sealed: SealedEvents): Promise<boolean>;
  /** Whether the records of these ids are in memory, as far as there are any. */
  isAtHand(ids: readonly string[]): boolean;
  /** Brings the records of these ids into memory, until a command has been decided that needs them. */
  recall(ids: ReadonlySet<string>): Promise<void>;
  /** Nothing is added any more and all is durable: writes down what makes the next start quick. Does not fail. */
  stopped(): Promise<void>;
};
