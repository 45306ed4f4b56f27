import { applyTopics } from '@daybook/messaging';
import { kafkaForTests, kafkaIsPossible, testLogger } from '@daybook/testing';
import { testTopic } from './harness';

const suite = 'topics as code';

if (kafkaIsPossible()) {
  describe('topics', () => {
    let options: Parameters<typeof applyTopics>[0];
    beforeAll(async () => {
      const kafka = await kafkaForTests(suite);
      if (kafka === undefined) throw new Error('Kafka could not be started; the reason is printed above');
      options = { brokers: kafka.brokers, clientId: 'test', logger: testLogger().logger };
    }, 400_000);

    test('are created once, and corrected when they differ', async () => {
      const topic = testTopic();
      expect(await applyTopics({ ...options, topics: [topic] })).toEqual({ created: [topic.name], changed: [] });
      expect(await applyTopics({ ...options, topics: [topic] })).toEqual({ created: [], changed: [] });
      const shorter = { ...topic, retentionMs: 1_000_000 };
      expect(await applyTopics({ ...options, topics: [shorter] })).toEqual({ created: [], changed: [topic.name] });
      expect(await applyTopics({ ...options, topics: [shorter] })).toEqual({ created: [], changed: [] });
    });

    test('as declared fit on one broker', async () => {
      await applyTopics({ ...options, replicationFactor: 1 });
      expect(await applyTopics({ ...options, replicationFactor: 1 })).toEqual({ created: [], changed: [] });
    });

    test('never get another number of partitions', async () => {
      const topic = testTopic();
      await applyTopics({ ...options, topics: [topic] });
      await expect(applyTopics({ ...options, topics: [{ ...topic, partitions: 12 }] })).rejects.toMatchObject({
        name: 'AssertionError',
      });
    });
  });
} else {
  test(`Kafka is not to be had here; not run on it: ${suite}`, async () => {
    expect(await kafkaForTests(suite)).toBeUndefined();
  });
}
