import { Instance } from './instance';
import { describeStories } from './stories';

/** The same stories with the events in EventStoreDB; `EVENT_STORE=eventstoredb npm test` runs all the others on it too. */
describeStories(
  'the log in Postgres, and events in EventStoreDB',
  async () => new Instance({ EVENT_STORE: 'eventstoredb', INTENT_TTL_MS: '600000' }),
);
