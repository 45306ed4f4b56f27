import { defineEvent } from '@daybook/contracts';
import { applyTopics, openTransport, type OutgoingMessage, type Topic, type Transport } from '@daybook/messaging';
import {
  eventually,
  kafkaAdmin,
  kafkaForTests,
  kafkaIsPossible,
  testDatabase,
  testLogger,
  type TestDatabase,
} from '@daybook/testing';
import { openDatabase } from '@daybook/event-store';
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { z } from 'zod';

/** What `message` makes, unless it is told another type. */
export const counted = defineEvent({
  type: 'Counted',
  version: 1,
  topic: 'tests.counts',
  summary: 'A test counted.',
  key: (data) => data.key,
  data: z.object({ key: z.string(), n: z.number() }),
});

/** A place for one test: a topic of its own, and any number of processes that speak to it. */
export type Harness = {
  readonly topic: Topic;
  /** A new database. On the Postgres log, the log is in it too. */
  readonly database: TestDatabase;
  /** A started transport, as another process would have. */
  open(): Promise<Transport>;
  /** Makes the topic anew, without its messages. */
  wipe(): Promise<void>;
  /** Removes what lies before the offset, in every partition that is so long. */
  removeBefore(offset: bigint): Promise<void>;
  /** Stops all that were opened. */
  dispose(): Promise<void>;
};

const kafkaStartMs = 400_000;

/** Runs the suite on every transport that can be had here; says so when Kafka cannot. */
export function onEachTransport(suite: string, define: (name: string, create: () => Promise<Harness>) => void): void {
  define('the Postgres log', () => createHarness('postgres', []));
  if (kafkaIsPossible()) {
    let brokers: readonly string[] | undefined;
    beforeAll(async () => {
      brokers = (await kafkaForTests(suite))?.brokers;
    }, kafkaStartMs);
    define('Kafka', async () => {
      if (brokers === undefined) throw new Error('Kafka could not be started; the reason is printed above');
      return createHarness('kafka', brokers);
    });
  } else {
    test(`Kafka is not to be had here; not run on it: ${suite}`, async () => {
      expect(await kafkaForTests(suite)).toBeUndefined();
    });
  }
}

async function createHarness(kind: 'postgres' | 'kafka', brokers: readonly string[]): Promise<Harness> {
  const database = await testDatabase();
  const topic = testTopic();
  const { logger } = testLogger();
  const options = { kind, brokers, clientId: 'test', logger, databaseUrl: database.url, topics: [topic] } as const;
  if (kind === 'kafka') await applyTopics(options);
  const opened: Transport[] = [];
  const admin = kafkaAdmin(brokers);
  return {
    topic,
    database,
    async wipe() {
      if (kind === 'kafka') {
        await admin.deleteTopic(topic.name);
        await eventually(() => applyTopics(options), { timeoutMs: 10_000 });
      } else {
        const log = database.pool('messaging');
        await log.query(`delete from log`);
        await log.query(`update partitions set next_offset = 0`);
      }
    },
    async removeBefore(offset) {
      if (kind === 'kafka') await admin.deleteRecords(topic.name, offset);
      else await database.pool('messaging').query(`delete from log where "offset" < $1`, [offset]);
    },
    async open() {
      const transport = openTransport(options);
      await transport.start();
      opened.push(transport);
      return transport;
    },
    async dispose() {
      await Promise.all(opened.map((transport) => transport.stop()));
      await database.drop();
    },
  };
}

/** Connections as a service has them, which several statements pass at a time. */
export function servicePool(database: TestDatabase, schema: string): Pool {
  return openDatabase({ url: database.url, schema, poolMax: 10, onError: () => undefined });
}

/** A topic of one test, on one broker. */
export function testTopic(): Topic {
  return {
    name: `test-${randomUUID()}.messages`,
    partitions: 6,
    replicationFactor: 1,
    minInsyncReplicas: 1,
    retentionMs: -1,
    messageBytesMax: 1_048_576,
  };
}

/** A message as a relay would write it. */
export function message(topic: Topic, key: string, data: unknown, type = 'Counted', version = 1): OutgoingMessage {
  const id = randomUUID();
  const envelope = {
    id,
    type,
    version,
    occurredAt: '2026-01-01T00:00:00.000Z',
    stream: `counter-${key}`,
    streamVersion: '0',
    correlationId: `correlation of ${id}`,
    causationId: id,
    data,
  };
  return {
    topic: topic.name,
    key,
    id,
    value: Buffer.from(JSON.stringify(envelope)),
    headers: { 'correlation-id': id },
  };
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}
