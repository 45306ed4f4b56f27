import { Instance } from './instance';
import { describeStories } from './stories';

describeStories(
  'the log in Postgres, all services in one process',
  async () => new Instance({ INTENT_TTL_MS: '600000' }),
);
