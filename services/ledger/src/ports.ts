import type { EventMetadata, NewEvent } from '@daybook/event-store';
import type { BookEvent } from './domain/book-events';
import type { BookState } from './domain/book-state';

/** An event in its place, sealed. `reference` is `0x` and the hash of its bytes. */
export type Journaled = Omit<NewEvent, 'id'> & {
  readonly sequence: number;
  readonly at: string;
  /** Hex SHA-256 of the payload. */
  readonly hash: string;
  readonly reference: string;
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
  /**
   * Seals events behind the last one and applies them to the state at once: all, or none with `Unrecordable`. Adds them
   * to `sealed`, and returns the last.
   */
  add(events: readonly BookEvent[], metadata: EventMetadata, sealed: Journaled[]): Journaled;
  /** The references that `add` would give to events one after the other, without adding them; with `Unrecordable`. */
  sealer(): (event: BookEvent, sequence: number) => string;
  /** Makes sealed events durable, all or none, in the order of their adding. Fails as `EventStore.append` does. */
  append(events: readonly Journaled[]): Promise<void>;
  /** Whether nobody else has stored anything behind what this journal loaded and appended. */
  isCurrent(): Promise<boolean>;
  /** Whether exactly these events are stored in their places. */
  holds(events: readonly Journaled[]): Promise<boolean>;
  /** Whether the records of these ids are in memory, as far as there are any. */
  isAtHand(ids: readonly string[]): boolean;
  /** Brings the records of these ids into memory, until a command has been decided that needs them. */
  recall(ids: ReadonlySet<string>): Promise<void>;
  /** Nothing is added any more and all is durable: writes down what makes the next start quick. Does not fail. */
  stopped(): Promise<void>;
};
