/**
 * One member of a consumer group on Kafka. The group only shares the partitions; the place comes from `startAt`, so
 * nothing is committed to the broker. No error of a handler reaches the client, which would take a TypeError for its
 * own end: the partition is paused, fetched again from the same offset, and the others go on meanwhile.
 */
import { sha256Hex, type Logger } from '@daybook/runtime';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs, pause } from './backoff';
import type { ConsumeOptions, RawMessage } from './transport';

const batchMax = 200;
const maxWaitTimeMs = 100;
/**
 * What one member holds of undone messages at most, in bytes: the client fetches again when all of a fetch is done. A
 * partition gives at least one message, however large.
 */
const fetchBytesMax = 4_194_304;
const partitionBytesMax = 1_048_576;
/** Also how long a group waits for a member that the broker's restart has cut off before it shares out anew. */
const sessionTimeoutMsDefault = 15_000;
/** A group that shares out anew waits for the next heartbeat of each of its members. */
const heartbeatsPerSession = 15;
/** The client waits for the broker when it leaves; the process must not. */
const leaveMs = 5_000;
const backoff = { firstMs: 100, maxMs: 5_000 };

type Member = {
  readonly consumer: Consumer;
  readonly options: ConsumeOptions;
  readonly logger: Logger;
  readonly stopping: AbortController;
  readonly heartbeatMs: number;
  /** Next offset to handle, by partition; forgotten when the group shares its partitions anew. */
  positions: Map<number, bigint>;
  readonly failures: Map<number, number>;
  readonly inHand: Set<Promise<void>>;
};

type Deps = {
  readonly kafka: Kafka;
  readonly logger: Logger;
  readonly partitions: number;
  readonly sessionTimeoutMs: number | undefined;
  /** Throws unless the topics are as declared. */
  verify(): Promise<void>;
};

export function consumeFromKafka(deps: Deps, options: ConsumeOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let current: Member | undefined;
  const ended = keepConsuming(deps, options, stopping, (member) => (current = member));
  return {
    async stop() {
      stopping.abort();
      // It may be waiting for the broker to share out the partitions, for as long as the others take.
      if (current) await leave(current);
      await Promise.race([ended, delay(leaveMs, undefined, { ref: false })]);
    },
  };
}

/**
 * Until stopped. The client restarts after some failures and is dead after others, a broker that goes away among them; it
 * is not asked to: whatever ends it, another one takes its place. Starting a service does not wait for the broker.
 */
async function keepConsuming(
  deps: Deps,
  options: ConsumeOptions,
  stopping: AbortController,
  begins: (member: Member) => void,
): Promise<void> {
  const { group, topic } = options;
  for (let failures = 0; !stopping.signal.aborted; failures++) {
    const member = createMember(deps, options, stopping);
    begins(member);
    const begun = performance.now();
    try {
      await consume(deps, member);
    } catch (error) {
      if (performance.now() - begun > backoff.maxMs) failures = 0;
      if (!stopping.signal.aborted)
        deps.logger.warn({ error, group, topic, failures }, 'messages cannot be consumed; trying again');
    }
    await leave(member);
    await pause(backoffMs(failures, backoff), stopping.signal);
  }
}

/** Resolves when it is stopped; rejects when the client has ended. */
async function consume(deps: Deps, member: Member): Promise<void> {
  const { consumer, options, stopping } = member;
  await deps.verify();
  await consumer.connect();
  await consumer.subscribe({ topics: [options.topic], fromBeginning: true });
  consumer.on(consumer.events.GROUP_JOIN, () => {
    member.positions = new Map();
  });
  const ended = new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload: { error } }) => reject(error));
    stopping.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  // It may end before anyone waits for that.
  ended.catch(() => undefined);
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: deps.partitions,
    eachBatch: (payload) => eachBatch(member, payload),
  });
  if (!stopping.signal.aborted) await ended;
}

/** Its handlers in hand must end; the group finds out about the member's end by itself if need be. */
async function leave({ consumer, inHand }: Member): Promise<void> {
  const left = consumer.disconnect().catch(() => undefined);
  await Promise.allSettled(inHand);
  await Promise.race([left, delay(leaveMs, undefined, { ref: false })]);
}

function createMember(
  { kafka, logger, sessionTimeoutMs = sessionTimeoutMsDefault }: Deps,
  options: ConsumeOptions,
  stopping: AbortController,
): Member {
  const heartbeatMs = Math.round(sessionTimeoutMs / heartbeatsPerSession);
  const consumer = kafka.consumer({
    // The client's assigner expects all members of a group to listen to the same topics.
    groupId: `${options.group}:${options.topic}`,
    allowAutoTopicCreation: false,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: heartbeatMs,
    maxWaitTimeInMs: maxWaitTimeMs,
    maxBytes: fetchBytesMax,
    maxBytesPerPartition: partitionBytesMax,
    retry: {
      initialRetryTime: 100,
      maxRetryTime: 5_000,
      retries: 5,
      restartOnFailure: async () => false,
    },
  });
  const empty = { positions: new Map(), failures: new Map(), inHand: new Set<Promise<void>>() };
  return { consumer, options, logger, stopping, heartbeatMs, ...empty };
}

/** Never throws. Returning without resolving an offset means that the same messages are fetched again. */
async function eachBatch(member: Member, payload: EachBatchPayload): Promise<void> {
  const work = handleBatch(member, payload);
  member.inHand.add(work);
  try {
    await alive(work, payload, member.heartbeatMs);
    member.failures.delete(payload.batch.partition);
  } catch (error) {
    if (!member.stopping.signal.aborted) retryLater(member, payload, error);
  } finally {
    member.inHand.delete(work);
  }
}

async function handleBatch(member: Member, { batch, resolveOffset, isRunning }: EachBatchPayload): Promise<void> {
  const { options, stopping, positions, consumer } = member;
  const { topic, partition } = batch;
  const known = positions.get(partition);
  const first = BigInt(batch.firstOffset() ?? 0);
  const place = known === first ? first : await options.startAt(partition);
  if (place !== first) member.logger.debug({ group: options.group, topic, partition, place, first }, 'kafka seek');
  const due = batch.messages.filter(({ offset }) => BigInt(offset) >= place);
  // Behind the first one that is there: ask for it once. If it is gone from the topic, the first one is the next.
  if (due.length === 0 || (place < first && known !== place)) {
    positions.set(partition, place);
    consumer.seek({ topic, partition, offset: place.toString() });
    return;
  }
  for (let from = 0; from < due.length; from += batchMax) {
    if (stopping.signal.aborted || !isRunning()) return;
    const messages = due.slice(from, from + batchMax).map((message) => rawMessage(topic, partition, message));
    await options.handle(messages);
    const last = messages.at(-1)?.offset ?? place;
    resolveOffset(last.toString());
    positions.set(partition, last + 1n);
  }
}

/**
 * Heartbeats while the handler works. Its own rejection, on a rebalance, is met again at the next fetch. A handler that
 * hangs is the watchdog's to find.
 */
async function alive(work: Promise<void>, { heartbeat }: EachBatchPayload, heartbeatMs: number): Promise<void> {
  const done = new AbortController();
  const beat = async () => {
    while (!done.signal.aborted) {
      await delay(heartbeatMs, undefined, { signal: done.signal });
      await heartbeat();
    }
  };
  const beating = beat().catch(() => undefined);
  try {
    await work;
  } finally {
    done.abort();
    await beating;
  }
}

function retryLater(member: Member, { batch, pause: pausePartition }: EachBatchPayload, error: unknown): void {
  const { topic, partition } = batch;
  const failures = member.failures.get(partition) ?? 0;
  member.positions.delete(partition);
  member.failures.set(partition, failures + 1);
  member.logger.warn(
    { error, group: member.options.group, topic, partition, failures },
    'messages not handled; trying again',
  );
  const resume = pausePartition();
  void pause(backoffMs(failures, backoff), member.stopping.signal).then(resume);
}

type KafkaMessage = EachBatchPayload['batch']['messages'][number];

/** Fits into an index of Postgres in any script. Ours are shorter. */
const keyLengthMax = 500;

/** What has no place in Postgres or its indexes could be neither handled nor parked; equal keys stay equal. */
function storableKey(key: Buffer | null): string {
  const text = key?.toString().replaceAll('\0', '\uFFFD') ?? '';
  return text.length <= keyLengthMax ? text : `sha256:${sha256Hex(text)}`;
}

function rawMessage(topic: string, partition: number, message: KafkaMessage): RawMessage {
  const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [
    name,
    String(Array.isArray(value) ? value[0] : value),
  ]);
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    key: storableKey(message.key),
    value: message.value,
    headers: Object.fromEntries(headers) as Record<string, string>,
  };
}
