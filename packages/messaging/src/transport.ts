import type { OnFatal } from '@daybook/runtime';

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
  /** The first offset to deliver for a partition that was just assigned. 0 when the group has never been there. */
  startAt(partition: number): Promise<bigint>;
  /**
   * Called with the messages of one partition in order; the next call for that partition waits for it. Rejecting
   * means "not handled": the transport delivers the same messages again, after a back-off.
   */
  handle(messages: readonly RawMessage[]): Promise<void>;
  /** The transport cannot deliver to this consumer any more and will not recover by itself. */
  readonly onFatal: OnFatal;
};

export interface Transport {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Resolves when all messages are durable. Rejects with OperationalError `broker_unavailable`; some may be durable. */
  publish(messages: readonly OutgoingMessage[]): Promise<void>;
  /** Starts delivering. `stop` waits for the handler in progress. */
  consume(options: ConsumeOptions): Promise<{ stop(): Promise<void> }>;
  /** Next offset to be written, per partition of the topic: the high watermark. */
  ends(topic: string): Promise<ReadonlyMap<number, bigint>>;
}
