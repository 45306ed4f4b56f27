import { openTransport, type Topic } from '@daybook/messaging';
import { testDatabase, testLogger } from '@daybook/testing';
import { randomUUID } from 'node:crypto';
import { describeTransport } from './transport.contract';

describeTransport('The Postgres log', async () => {
  const database = await testDatabase();
  const topic: Topic = {
    name: `test-${randomUUID()}.messages`,
    partitions: 6,
    replicationFactor: 1,
    minInsyncReplicas: 1,
    retentionMs: -1,
    messageBytesMax: 1_048_576,
  };
  return {
    topic,
    async open() {
      const { logger } = testLogger();
      const transport = openTransport({
        kind: 'postgres',
        databaseUrl: database.url,
        brokers: [],
        clientId: 'test',
        logger,
        topics: [topic],
      });
      await transport.start();
      return transport;
    },
    dispose: () => database.drop(),
  };
});
