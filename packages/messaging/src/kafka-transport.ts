/**
 * Transport on Apache Kafka, and with `kafka-*.ts` the only place that knows its client. The producer asks all in-sync
 * replicas and has one request in flight a connection, so a retry cannot overtake; duplicates are the inbox's business.
 */
import { Partitioners, type Admin, type Producer } from 'kafkajs';
import { brokerUnavailable, kafkaClient, type KafkaOptions } from './kafka-client';
import { consumeFromKafka } from './kafka-consumer';
import { batchesOf, byName } from './publishable';
import type { Topic } from './topics';
import type { OutgoingMessage, Transport } from './transport';

const allInSyncReplicas = -1;

export function kafkaTransport(options: KafkaOptions & { readonly topics: readonly Topic[] }): Transport {
  const kafka = kafkaClient(options);
  const declared = byName(options.topics);
  const producer = reconnecting<Producer>(() =>
    kafka.producer({
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    }),
  );
  const admin = reconnecting<Admin>(() => kafka.admin());
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
      for (const batch of batchesOf(messages, declared)) {
        const topicMessages = byTopic(batch);
        await producer.use((client) => client.sendBatch({ acks: allInSyncReplicas, topicMessages }));
      }
    },
    async consume(consumeOptions) {
      const partitions = declared.get(consumeOptions.topic)?.partitions;
      if (partitions === undefined) throw new Error(`topic ${consumeOptions.topic} is not declared`);
      const consumer = consumeFromKafka(kafka, options.logger, partitions, consumeOptions);
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
  };
}

function byTopic(messages: readonly OutgoingMessage[]) {
  const topics = [...new Set(messages.map(({ topic }) => topic))];
  return topics.map((topic) => ({
    topic,
    messages: messages
      .filter((message) => message.topic === topic)
      .map(({ key, value, headers }) => ({ key, value, headers: { ...headers } })),
  }));
}

/** A client that is connected at its first use, and replaced after a failure. */
function reconnecting<Client extends { connect(): Promise<void>; disconnect(): Promise<void> }>(create: () => Client) {
  let current: Promise<Client> | undefined;

  async function connect(): Promise<Client> {
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
