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
  const logger = overrides.logger ?? createLogger({ service: 'settlement', level: config.LOG_LEVEL });
  const onFatal = overrides.onFatal ?? ((error) => logger.fatal({ error }, 'the service cannot go on'));
  const now = overrides.now ?? systemClock;
  const metrics = createMetrics('settlement');
  const { pool, consumerPool } = openPools(config, logger);
  const store = postgresEventStore(pool);
  const advance = advanceSettlement(commandHandler(settlement, settlementEvents, store), logger);
  settlementGauges({
    metrics,
    now,
    deadlineMs: config.SETTLEMENT_DEADLINE_MS,
    openSettlements: (deadline) => openSettlements(pool, deadline),
  });

  const transport = overrides.transport ?? transportOf(config, logger);
  const consumer = { pool: consumerPool, transport, logger, metrics, onFatal, now };
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

  const parts = inOrder('settlement', [
    database([pool, consumerPool], store, pool),
    ...(overrides.transport === undefined ? [transport] : []),
    projections,
    createConsumer(consumer, intentsSubscription(advance, now)),
    createConsumer(consumer, ledgerTransactionsSubscription(advance, now)),
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

/**
 * A consumer keeps its transaction open while its effect is appended on another connection. The two come from pools of
 * their own, so that consumers never wait for connections that only consumers hold.
 */
function openPools(config: Config, logger: Logger): { readonly pool: Pool; readonly consumerPool: Pool } {
  const onError = (error: Error) => logger.warn({ error }, 'idle database connection lost');
  const consumersMax = Math.floor(config.DATABASE_POOL_MAX / 2);
  const open = (poolMax: number) => openDatabase({ url: config.DATABASE_URL, schema, poolMax, onError });
  return { pool: open(config.DATABASE_POOL_MAX - consumersMax), consumerPool: open(consumersMax) };
}

function database(pools: readonly Pool[], store: EventStore, pool: Pool): Component {
  const own = { name: 'settlement', directory: join(__dirname, '../migrations') };
  return {
    name: 'database',
    start: () => migrate(pool, schema, [eventStoreMigrations, messagingMigrations, own]),
    async stop() {
      await store.close();
      await Promise.all(pools.map((open) => open.end()));
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
    clientId: 'settlement',
    logger,
  });
}
