/**
 * Transport on Apache Kafka, and with `kafka-*.ts` the only place that knows its client. The producer asks all in-sync
 * replicas, and one publication follows the other, each in one request at a time: no retry overtakes what came later.
 * Duplicates are the inbox's business. Nothing is published or consumed before the topics are seen to be as declared.
 */
import { assert } from '@daybook/core';
import type { Admin, ICustomPartitioner, Producer } from 'kafkajs';
import { brokerUnavailable, kafkaClient, type KafkaOptions } from './kafka-client';
import { consumeFromKafka } from './kafka-consumer';
import { verifyTopics } from './kafka-topics';
import { inTurn } from './in-turn';
import { partitionOf } from './partition-of';
import { batchesOf, byName } from './publishable';
import { lastOfEach, publishedTo } from './published-to';
import type { Topic } from './topics';
import type { OutgoingMessage, PublishedTo, Transport } from './transport';

const allInSyncReplicas = -1;
/** All consumers of the process ask about the same topics. */
const verifiedForMs = 3_000;

export function kafkaTransport(options: KafkaOptions & { readonly topics: readonly Topic[] }): Transport {
  const kafka = kafkaClient(options);
  const declared = byName(options.topics);
  const admin = reconnecting<Admin>(() => kafka.admin());
  // Seen again by each new connection: a broker that was away may have come back as another.
  const verify = () => admin.use((client) => verifyTopics(client, options.topics));
  const producer = reconnecting<Producer>(
    () => kafka.producer({ allowAutoTopicCreation: false, maxInFlightRequests: 1, createPartitioner: asAddressed }),
    verify,
  );
  const publication = inTurn();
  const consumers = new Set<{ stop(): Promise<void> }>();

  return {
    name: 'kafka',
    // Each connection is made when it is needed: a broker that is away stops no service from starting.
    async start() {},
    async stop() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()));
      await Promise.all([producer.close(), admin.close()]);
    },
    async publish(messages) {
      const batches = batchesOf(messages, declared);
      return publication(async () => {
        const published: PublishedTo[] = [];
        for (const batch of batches) {
          const topicMessages = byTopic(batch, declared);
          const answers = await producer.use((client) => client.sendBatch({ acks: allInSyncReplicas, topicMessages }));
          published.push(...publishedTo(topicMessages, answers));
        }
        return lastOfEach(published);
      });
    },
    async consume(consumeOptions) {
      const partitions = declared.get(consumeOptions.topic)?.partitions;
      if (partitions === undefined) throw new Error(`topic ${consumeOptions.topic} is not declared`);
      const { logger, sessionTimeoutMs } = options;
      const consumer = consumeFromKafka({ kafka, logger, partitions, sessionTimeoutMs, verify }, consumeOptions);
      consumers.add(consumer);
      return {
        async stop() {
          consumers.delete(consumer);
          await consumer.stop();
        },
      };
    },
    async ends(topic) {
      const offsets = await admin.use((client) => client.fetchTopicOffsets(topic));
      return new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
    },
    async begins(topic) {
      const offsets = await admin.use((client) => client.fetchTopicOffsets(topic));
      return new Map(offsets.map(({ partition, low }) => [partition, BigInt(low)]));
    },
    verify: heldFor(verifiedForMs, verify),
  };
}

/** An answer, or a refusal, stays as long for all who ask. */
function heldFor<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let answer: { readonly at: number; readonly given: Promise<T> } | undefined;
  return () => {
    const now = performance.now();
    if (answer === undefined || now - answer.at >= ms) answer = { at: now, given: ask() };
    return answer.given;
  };
}

/** Messages carry their partition. */
const asAddressed: ICustomPartitioner =
  () =>
  ({ message: { partition } }) => {
    assert(partition !== undefined, 'a message has no partition');
    return partition;
  };

function byTopic(messages: readonly OutgoingMessage[], topics: ReadonlyMap<string, Topic>) {
  const names = [...new Set(messages.map(({ topic }) => topic))];
  return names.map((topic) => ({
    topic,
    messages: messages
      .filter((message) => message.topic === topic)
      .map(({ key, value, headers }) => ({
        key,
        value,
        headers: { ...headers },
        partition: partitionOf(key, topics.get(topic)?.partitions ?? 1),
      })),
  }));
}

/** A client that is connected at its first use, and replaced after a failure. */
function reconnecting<Client extends { connect(): Promise<void>; disconnect(): Promise<void> }>(
  create: () => Client,
  before: () => Promise<void> = async () => undefined,
) {
  let current: Promise<Client> | undefined;

  async function connect(): Promise<Client> {
    await before();
    const client = create();
    await client.connect();
    return client;
  }

  async function close(): Promise<void> {
    const closing = current;
    current = undefined;
    await closing?.then((client) => client.disconnect()).catch(() => undefined);
  }

  return {
    close,
    async use<T>(work: (client: Client) => Promise<T>): Promise<T> {
      const using = (current ??= connect());
      try {
        return await work(await using);
      } catch (error) {
        if (current === using) void close();
        throw brokerUnavailable(error);
      }
    },
  };
}
