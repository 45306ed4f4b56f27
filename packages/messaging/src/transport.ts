/**
 * Port: carries facts between services. At least once, ordered per key. Adapters: a log table in Postgres, Apache Kafka.
 * Offsets are not the transport's business: a consumer says where to start and keeps its place beside its effects.
 */

export type OutgoingMessage = {
  readonly topic: string;
  /** Everything that must stay ordered shares one key. */
  readonly key: string;
  /** Stable over republication; consumers deduplicate on it. */
  readonly id: string;
  /** JSON of the envelope. */
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
};

/** Where the messages of one publication are in a partition: from `first` to before `next`. */
export type PublishedTo = {
  readonly topic: string;
  readonly partition: number;
  readonly first: bigint;
  readonly next: bigint;
};

export type RawMessage = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string;
  /** Null for a message without a body, which no relay of ours writes. */
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
};

export type ConsumeOptions = {
  /** Members of one group share the partitions; each group sees every message. */
  readonly group: string;
  readonly topic: string;
  /** The first offset to deliver for a partition that was just assigned, or after a failure. */
  startAt(partition: number): Promise<bigint>;
  /**
   * Called with the messages of one partition in order; the next call for that partition waits for it. Rejecting
   * means "not handled": after a back-off the transport asks `startAt` again and delivers from there.
   */
  handle(messages: readonly RawMessage[]): Promise<void>;
};

export interface Transport {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /**
   * Resolves when all messages are durable, with one entry a partition. Publications of one transport follow each other
   * in the order of the calls. Rejects with OperationalError `broker_unavailable`, and then some may be durable; or with
   * `message_too_large`, and then none is.
   */
  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishedTo[]>;
  /** Starts delivering. `stop` waits for the handler in progress. */
  consume(options: ConsumeOptions): Promise<{ stop(): Promise<void> }>;
  /** Next offset to be written, per partition of the topic: the high watermark. */
  ends(topic: string): Promise<ReadonlyMap<number, bigint>>;
  /** First offset that is there, per partition; of one without messages its end. Absent where none is ever lost. */
  begins?(topic: string): Promise<ReadonlyMap<number, bigint>>;
  /** Rejects while the topics are not as declared, when nothing is consumed. Absent where they cannot be otherwise. */
  verify?(): Promise<void>;
}
