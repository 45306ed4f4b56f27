/**
 * Port: the append-only log that is the only truth. Streams are ordered and gapless; the whole store has one order
 * that every reader sees the same way. Adapters: Postgres, memory.
 */

/** Ids that say where an event comes from. Stored beside the payload, not hashed with it. */
export type EventMetadata = {
  readonly correlationId: string;
  readonly causationId: string;
};

/** `payload` is exact bytes: what is hashed is what is stored and what is read. */
export type NewEvent = {
  /** Deterministic: derived from the command or cause, so that a retry is recognised. */
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly payload: Buffer;
  readonly metadata: EventMetadata;
};

/** An array of them, or columns (`event-columns.ts`). */
export type NewEvents = Iterable<NewEvent> & { readonly length: number };

export type StoredEvent = NewEvent & {
  readonly stream: string;
  /** Place in its stream, from 0, without gaps. */
  readonly revision: bigint;
  /** Place in the whole store. */
  readonly position: Position;
  /** By the store's clock. */
  readonly recordedAt: Date;
};

/** A place in the store's order, as text that only its adapter reads. `start` is before the first event. */
export type Position = string & { readonly __position: unique symbol };
export const start = 'start' as Position;

/** The revision of the stream's last event as the writer knows it. Every append names one. */
export type ExpectedRevision = 'no_stream' | bigint;

/** One event to one of several streams. */
export type StreamAppend = {
  readonly stream: string;
  readonly event: NewEvent;
  readonly expected: ExpectedRevision;
};

export interface EventStore {
  /**
   * Appends all events or none, at most 65,536. Three-way idempotency, by place: if all ids already stand at this place
   * the append succeeds and writes nothing; if none does and the stream has moved on it throws OperationalError
   * `version_conflict`; if only some do, or an id stands there with another payload, it throws AssertionError. An id
   * that stands elsewhere is not looked for: whoever derives ids derives them from the place.
   * OperationalError `outcome_unknown` means that the connection was lost during commit: read before deciding again.
   */
  append(stream: string, events: NewEvents, expected: ExpectedRevision): Promise<{ readonly revision: bigint }>;

  /** Where the store has a better way than one append each; see `appendEach`. */
  appendEach?(appends: readonly StreamAppend[]): Promise<readonly boolean[]>;

  /** Events of one stream from `from` (default 0), oldest first; all of them, or at most `limit`. */
  readStream(
    stream: string,
    options?: { readonly from?: bigint; readonly limit?: number },
  ): Promise<readonly StoredEvent[]>;

  /**
   * Events of one stream from `from` (default 0) to `to` (default the last), both included, in batches of the store's own
   * size: the fast way to read many. What is appended meanwhile may be missing at the end. Reads no faster than it is
   * consumed, on a connection of its own until it ends or is left; events share memory with their batch, so that who
   * keeps a few of many for long copies them. Throws OperationalError `store_unavailable` when the connection is lost.
   * With `bare`, revision, type, version and payload are all that an event is sure to have; that is quicker.
   */
  scanStream(
    stream: string,
    range?: { readonly from?: bigint; readonly to?: bigint; readonly bare?: boolean },
  ): AsyncIterable<readonly StoredEvent[]>;

  /** Events of the whole store after `from`, in its order, at most `limit`. Never skips one that commits later. */
  readAll(from: Position, limit: number): Promise<readonly StoredEvent[]>;

  /** Position of the newest committed event. A reader that has reached it has seen every append answered before the call. */
  tail(): Promise<Position>;

  /** Whether one of its events stands there, or it is `start`. A place that another log gave, of whatever store, is none. */
  holds(place: Position): Promise<boolean>;

  /** Negative, zero or positive, as `a` is before, at or after `b`. */
  compare(a: Position, b: Position): number;

  /** Calls `wake` soon after appends, perhaps more often than needed. A hint: readers also poll. */
  onAppend(wake: () => void): { stop(): Promise<void> };

  close(): Promise<void>;
}
