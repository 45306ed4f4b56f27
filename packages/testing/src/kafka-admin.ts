/** What operators, or accidents, do to a Kafka broker behind the back of whoever uses it. */
import { Kafka, logLevel, type Admin } from 'kafkajs';

export type KafkaAdmin = {
  deleteTopic(topic: string): Promise<void>;
  /** Of every partition, what lies before the offset. */
  deleteRecords(topic: string, before: bigint): Promise<void>;
  addPartitions(topic: string, count: number): Promise<void>;
  /** With all that the broker knows of it; nobody may be in it. */
  deleteGroup(group: string): Promise<void>;
  /** Offsets that the group has committed to the broker. */
  committed(group: string, topic: string): Promise<readonly bigint[]>;
  setTopic(topic: string, name: string, value: string): Promise<void>;
};

const topicResource = 2;

export function kafkaAdmin(brokers: readonly string[]): KafkaAdmin {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'test operator', logLevel: logLevel.NOTHING });

  async function using<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = kafka.admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }
  return {
    deleteTopic: (topic) => using((admin) => admin.deleteTopics({ topics: [topic] })),
    deleteRecords: (topic, before) =>
      using(async (admin) => {
        const offsets = await admin.fetchTopicOffsets(topic);
        const partitions = offsets
          .filter(({ high }) => BigInt(high) >= before)
          .map(({ partition }) => ({ partition, offset: String(before) }));
        await admin.deleteTopicRecords({ topic, partitions });
      }),
    addPartitions: (topic, count) =>
      using(async (admin) => void (await admin.createPartitions({ topicPartitions: [{ topic, count }] }))),
    deleteGroup: (group) => using(async (admin) => void (await admin.deleteGroups([group]))),
    committed: (group, topic) =>
      using(async (admin) => {
        const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
        return (found?.partitions ?? []).map(({ offset }) => BigInt(offset)).filter((offset) => offset >= 0n);
      }),
    setTopic: (topic, name, value) =>
      using(async (admin) => {
        const resources = [{ type: topicResource, name: topic, configEntries: [{ name, value }] }];
        await admin.alterConfigs({ validateOnly: false, resources });
      }),
  };
}
