import { Distributed } from './distributed';
import { describeStories } from './stories';
import { kafkaOrSkip } from './kafka';

describeStories(
  'Apache Kafka, one process per service',
  async () => new Distributed(await kafkaOrSkip(), { INTENT_TTL_MS: '600000' }),
);
