import { join } from 'node:path';
import {
  createProjections,
  eventStoreMigrations,
  migrate,
  openDatabase,
  postgresEventStore,
  type EventStore,
  type Projections,
} from '@daybook/event-store';
import { callRoutes, createApp, httpServer } from '@daybook/http';
import { createConsumer, messagingMigrations, openTransport, type Transport } from '@daybook/messaging';
import {
  Counter,
  createLogger,
  createMetrics,
  createSealer,
  inOrder,
  systemClock,
  type Clock,
  type Component,
  type Logger,
  type OnFatal,
  type Registry,
  type Sealer,
  type Service,
} from '@daybook/runtime';
import type { Pool } from 'pg';
import { deliveryLeases } from './adapters/delivery-leases';
import { deliveryWorker } from './adapters/delivery-worker';
import { storedEvents } from './adapters/stored-events';
import { webhookClient } from './adapters/webhook-client';
import { sendDelivery } from './app/send-delivery';
import { openWebhooks, type Webhooks } from './app/webhooks';
import type { Config } from './config';
import { intentsConsumer } from './consumers/intents';
import { transfersConsumer } from './consumers/transfers';
import { callHandlers } from './http/calls';
import type { WebhookClient } from './ports';
import { deliveries, dueDeliveries } from './projections/deliveries';

export type Overrides = {
  readonly now: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Started and stopped by its owner. */
  readonly transport: Transport;
  readonly client: WebhookClient;
  readonly onFatal: OnFatal;
  /** How often deliveries that became due by the clock are looked for. */
  readonly pollMs: number;
};

const schema = 'notifications';

type Parts = {
  readonly pool: Pool;
  readonly store: EventStore;
  readonly projections: Projections;
  readonly webhooks: Webhooks;
  readonly client: WebhookClient;
  readonly sealer: Sealer;
  readonly now: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
};

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<Overrides> = {}): Service {
  const logger = overrides.logger ?? createLogger({ service: schema, level: config.LOG_LEVEL });
  const onFatal = overrides.onFatal ?? ((error) => logger.fatal({ error }, 'the service cannot go on'));
  const metrics = createMetrics(schema);
  const pool = poolOf(config, logger);
  // Handlers hold a connection while they append through the store's; with one pool they could wait for each other.
  const consumerPool = poolOf(config, logger);
  const store = postgresEventStore(pool);
  const parts: Parts = {
    pool,
    store,
    projections: createProjections({
      pool,
      store,
      codec: storedEvents,
      name: 'deliveries_v1',
      projections: [deliveries],
      logger,
      onFatal,
    }),
    webhooks: openWebhooks(store),
    client: overrides.client ?? webhookClient({ allowLoopback: config.WEBHOOK_ALLOW_LOOPBACK }),
    sealer: createSealer(config.SECRETS_KEY),
    now: overrides.now ?? systemClock,
    random: overrides.random ?? Math.random,
    logger,
    onFatal,
  };
  const transport = overrides.transport ?? transportOf(config, logger);
  const consumer = { pool: consumerPool, transport, logger, metrics, onFatal, now: parts.now };

  let running = false;
  const app = createApp({
    logger,
    metrics,
    notReady: () => (running ? unanswered(pool) : 'starting'),
    routes: (express) =>
      express.use(
        callRoutes(
          config.INTERNAL_TOKEN,
          callHandlers(parts, { ...parts, caughtUp: () => parts.projections.caughtUp() }),
        ),
      ),
  });
  const server = httpServer(app, { host: config.HTTP_HOST, port: config.HTTP_PORT });
  const components = inOrder(schema, [
    database([pool, consumerPool]),
    ...(overrides.transport === undefined ? [transportComponent(transport)] : []),
    { name: 'event store', start: async () => undefined, stop: () => store.close() },
    parts.projections,
    createConsumer(consumer, transfersConsumer(parts)),
    createConsumer(consumer, intentsConsumer(parts)),
    { name: 'webhook client', start: async () => undefined, stop: () => parts.client.close() },
    workerOf(parts, metrics, overrides.pollMs),
    server,
  ]);
  return {
    async start() {
      await components.start();
      running = true;
      return { url: server.url };
    },
    async stop() {
      running = false;
      await components.stop();
    },
  };
}

function workerOf(parts: Parts, metrics: Registry, pollMs: number | undefined): Component {
  const attempts = new Counter({
    name: 'webhook_attempts_total',
    help: 'Attempts to deliver a webhook, by what came of them.',
    labelNames: ['outcome'],
    registers: [metrics],
  });
  const { pool, store, projections, now, logger, onFatal } = parts;
  return deliveryWorker({
    async due(options) {
      await projections.caughtUp();
      return dueDeliveries(pool, options);
    },
    async send(deliveryId, abort) {
      const outcome = await sendDelivery(parts, deliveryId, abort);
      attempts.inc({ outcome });
      return outcome;
    },
    leases: deliveryLeases(pool),
    onAppend: store.onAppend,
    now,
    logger,
    onFatal,
    ...(pollMs === undefined ? {} : { pollMs }),
  });
}

function poolOf(config: Config, logger: Logger): Pool {
  return openDatabase({
    url: config.DATABASE_URL,
    schema,
    poolMax: config.DATABASE_POOL_MAX,
    onError: (error) => logger.warn({ error }, 'a database connection was lost'),
  });
}

function transportOf(config: Config, logger: Logger): Transport {
  return openTransport({
    kind: config.MESSAGING,
    databaseUrl: config.DATABASE_URL,
    brokers: config.KAFKA_BROKERS,
    clientId: schema,
    logger,
  });
}

function transportComponent(transport: Transport): Component {
  return { name: transport.name, start: () => transport.start(), stop: () => transport.stop() };
}

function database([pool, ...others]: readonly [Pool, ...Pool[]]): Component {
  const own = { name: schema, directory: join(__dirname, '../migrations') };
  return {
    name: 'database',
    start: () => migrate(pool, schema, [eventStoreMigrations, messagingMigrations, own]),
    async stop() {
      await Promise.all([pool, ...others].map((each) => each.end()));
    },
  };
}

async function unanswered(pool: Pool): Promise<string | undefined> {
  return pool.query('select 1').then(
    () => undefined,
    () => 'the database does not answer',
  );
}
