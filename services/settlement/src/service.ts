import { join } from 'node:path';
import {
  commandHandler,
  createProjections,
  eventStoreMigrations,
  migrate,
  openDatabase,
  postgresEventStore,
  type EventStore,
} from '@daybook/event-store';
import { createApp, httpServer } from '@daybook/http';
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
import { publishedEvents } from './adapters/published-events';
import { settlementGauges } from './adapters/settlement-gauges';
import { settlementEvents } from './adapters/stored-events';
import { advanceSettlement } from './app/advance-settlement';
import type { Config } from './config';
import { intentsSubscription } from './consumers/intents';
import { ledgerTransactionsSubscription } from './consumers/ledger-transactions';
import { settlement } from './domain/settlement';
import { openSettlements, settlementsProjection } from './projections/settlements';

export type Overrides = {
  readonly now: Clock;
  readonly logger: Logger;
  /** Started and stopped by its owner. */
  readonly transport: Transport;
  readonly onFatal: OnFatal;
};

const schema = 'settlement';

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<Overrides> = {}): Service {
  const logger = overrides.logger ?? createLogger({ service: schema, level: config.LOG_LEVEL });
  const onFatal = overrides.onFatal ?? ((error) => logger.fatal({ error }, 'the service cannot go on'));
  const now = overrides.now ?? systemClock;
  const metrics = createMetrics(schema);
  const pool = openPool(config, logger);
  const store = postgresEventStore(pool);
  const advance = advanceSettlement(commandHandler(settlement, settlementEvents, store), logger);
  settlementGauges({
    metrics,
    now,
    deadlineMs: config.SETTLEMENT_DEADLINE_MS,
    openSettlements: (deadline) => openSettlements(pool, deadline),
  });

  const transport = overrides.transport ?? transportOf(config, logger);
  const consumer = { pool, transport, logger, metrics, onFatal, now };
  const projections = createProjections({
    pool,
    store,
    codec: settlementEvents,
    name: 'settlements_v1',
    projections: [settlementsProjection],
    logger,
    onFatal,
  });

  let running = false;
  const notReady = () => (running ? unanswered(pool) : 'starting');
  const app = createApp({ logger, metrics, notReady, routes: () => undefined });
  const server = httpServer(app, { host: config.HTTP_HOST, port: config.HTTP_PORT });

  const parts = inOrder(schema, [
    database(pool, store),
    ...(overrides.transport === undefined ? [transport] : []),
    projections,
    createConsumer(consumer, intentsSubscription(advance)),
    createConsumer(consumer, ledgerTransactionsSubscription(advance)),
    createRelay({ pool, store, transport, logger, metrics, onFatal }, { name: 'settlement', map: publishedEvents }),
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
