import { join } from 'node:path';
import { allocateAddress } from '@daybook/contracts';
import {
  commandHandler,
  createProjections,
  eventStoreMigrations,
  migrate,
  openDatabase,
  postgresEventStore,
  type EventStore,
} from '@daybook/event-store';
import { callClient, createApp, httpServer } from '@daybook/http';
import { createConsumer, createRelay, messagingMigrations, openTransport, type Transport } from '@daybook/messaging';
import {
  createLogger,
  createMetrics,
  inOrder,
  systemClock,
  type Clock,
  type Component,
  type Logger,
  type OnFatal,
  type Service,
} from '@daybook/runtime';
import type { Pool } from 'pg';
import { expiryWorker } from './adapters/expiry-worker';
import { publishedEvents } from './adapters/published-events';
import { intentEvents } from './adapters/stored-events';
import { createIntent } from './app/create-intent';
import { expireDueIntents } from './app/expire-due-intents';
import { getIntent } from './app/get-intent';
import { listIntents } from './app/list-intents';
import type { Config } from './config';
import { depositsSubscription } from './consumers/deposits';
import { ledgerTransactionsSubscription } from './consumers/ledger-transactions';
import { settlementsSubscription } from './consumers/settlements';
import { paymentIntent } from './domain/payment-intent';
import { intentCalls } from './http/calls';
import type { AllocateAddress } from './ports';
import { deadlines, findIntents, intentsProjection } from './projections/intents';

export type Overrides = {
  readonly now: Clock;
  readonly logger: Logger;
  /** Started and stopped by its owner. */
  readonly transport: Transport;
  readonly onFatal: OnFatal;
  readonly allocateAddress: AllocateAddress;
};

const schema = 'intents';

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<Overrides> = {}): Service {
  const logger = overrides.logger ?? createLogger({ service: schema, level: config.LOG_LEVEL });
  const onFatal = overrides.onFatal ?? ((error) => logger.fatal({ error }, 'the service cannot go on'));
  const now = overrides.now ?? systemClock;
  const metrics = createMetrics(schema);
  const pool = openPool(config, logger);
  const store = postgresEventStore(pool);
  const intents = commandHandler(paymentIntent, intentEvents, store);

  const transport = overrides.transport ?? transportOf(config, logger);
  const consumer = { pool, transport, logger, metrics, onFatal, now };
  const projections = createProjections({
    pool,
    store,
    codec: intentEvents,
    name: 'intents_v1',
    projections: [intentsProjection],
    logger,
    onFatal,
  });
  const chainWatcher = callClient({ baseUrl: config.CHAIN_WATCHER_URL, token: config.INTERNAL_TOKEN });
  const allocate: AllocateAddress = overrides.allocateAddress ?? ((request) => chainWatcher(allocateAddress, request));

  let running = false;
  const app = createApp({
    logger,
    metrics,
    notReady: () => (running ? unanswered(pool) : 'starting'),
    routes: (express) =>
      express.use(
        intentCalls(config.INTERNAL_TOKEN, {
          createIntent: createIntent({ intents, allocateAddress: allocate, now, ttlMs: config.INTENT_TTL_MS }),
          getIntent: getIntent(intents),
          listIntents: listIntents(async (query) => {
            await projections.caughtUp();
            return findIntents(pool, query);
          }),
        }),
      ),
  });
  const server = httpServer(app, { host: config.HTTP_HOST, port: config.HTTP_PORT });

  const parts = inOrder(schema, [
    database(pool, store),
    ...(overrides.transport === undefined ? [transport] : []),
    projections,
    chainWatcher,
    createConsumer(consumer, depositsSubscription(intents)),
    createConsumer(consumer, ledgerTransactionsSubscription(intents)),
    createConsumer(consumer, settlementsSubscription(intents)),
    expiryWorker({ expireDue: expireDueIntents({ intents, deadlines: deadlines(pool), now }), now, logger, onFatal }),
    createRelay({ pool, store, transport, logger, metrics, onFatal }, { name: 'intents', map: publishedEvents }),
    server,
  ]);
  return {
    async start() {
      await parts.start();
      running = true;
      return { url: server.url };
    },
    async stop() {
      running = false;
      await parts.stop();
    },
  };
}

function openPool(config: Config, logger: Logger): Pool {
  const onError = (error: Error) => logger.warn({ error }, 'idle database connection lost');
  return openDatabase({ url: config.DATABASE_URL, schema, poolMax: config.DATABASE_POOL_MAX, onError });
}

function database(pool: Pool, store: EventStore): Component {
  const own = { name: schema, directory: join(__dirname, '../migrations') };
  return {
    name: 'database',
    start: () => migrate(pool, schema, [eventStoreMigrations, messagingMigrations, own]),
    async stop() {
      await store.close();
      await pool.end();
    },
  };
}

async function unanswered(pool: Pool): Promise<string | undefined> {
  return pool.query('select 1').then(
    () => undefined,
    () => 'the database does not answer',
  );
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
