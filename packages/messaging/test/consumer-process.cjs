/**
 * A consumer in a process of its own, for tests that stop it by signals. Says `in hand` when it has written an effect that
 * is not committed, and goes on a moment later.
 */
const { setTimeout: delay } = require('node:timers/promises');
const { defineEvent } = require('@daybook/contracts');
const { createConsumer, on, openTransport } = require('@daybook/messaging');
const { createLogger, createMetrics } = require('@daybook/runtime');
const { Pool } = require('pg');
const { z } = require('zod');

const { databaseUrl, brokers, topic, sessionTimeoutMs, idleMs } = JSON.parse(process.argv[2]);
const options = `-c search_path=service -c idle_in_transaction_session_timeout=${idleMs}`;
const pool = new Pool({ connectionString: databaseUrl, options, max: 4 });
pool.on('error', () => undefined);
const logger = createLogger({ service: 'zombie', level: 'silent' });
const counted = defineEvent({
  type: 'Counted',
  version: 1,
  topic: 'tests.counts',
  summary: 'A test counted.',
  key: (data) => data.key,
  data: z.object({ key: z.string(), n: z.number() }),
});
const transport = openTransport({
  kind: 'kafka',
  databaseUrl,
  brokers,
  clientId: 'zombie',
  logger,
  topics: [topic],
  sessionTimeoutMs,
});
const handler = on(counted, async (tx, { data }) => {
  await tx.query('insert into effects (key, n) values ($1, $2)', [data.key, data.n]);
  process.stdout.write('in hand\n');
  await delay(300);
});
const onFatal = (error) => {
  throw error;
};
const consumer = createConsumer(
  { pool, transport, logger, metrics: createMetrics('zombie'), onFatal, now: () => new Date() },
  { group: 'tests.effects', topic: topic.name, handlers: [handler] },
);
consumer.start();
process.once('SIGTERM', async () => {
  await consumer.stop();
  await transport.stop();
  await pool.end();
  process.exit(0);
});
