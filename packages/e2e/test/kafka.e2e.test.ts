import { kafkaForTests, kafkaIsPossible, type TestKafka } from '@daybook/testing';
import { Distributed } from './distributed';
import { describeStories } from './stories';

const suite = 'the end-to-end stories on Apache Kafka, one process per service';

if (kafkaIsPossible()) {
  let kafka: TestKafka | undefined;
  describeStories('Apache Kafka, one process per service', async () => {
    kafka = await kafkaForTests(suite);
    if (kafka === undefined) throw new Error('Kafka could not be started; the reason is printed above');
    return new Distributed(kafka.brokers, { INTENT_TTL_MS: '600000' });
  });
  afterAll(() => kafka?.stop());
} else {
  test('is not run here, and says so', async () => {
    expect(await kafkaForTests(suite)).toBeUndefined();
  });
}
