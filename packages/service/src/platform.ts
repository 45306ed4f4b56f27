/**
 * What every service stands on, composed once: logger, metrics, connections, event store, transport, probes, and the order
 * of start and stop. A service's composition root opens it, builds its own parts with it, and lets it run them.
 */
import { serviceStatusCall } from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import {
  assertAppendOnly,
  assertDatabase,
  assertOwnLog,
  createProjections,
  databaseClock,
  eventStoreDb,
  eventStoreMigrations,
  migrate,
  oldestWriter,
  openDatabase,
  postgresEventStore,
  readerWaits,
  watchWriters,
  type EventCodec,
  type EventStore,
  type OldestWriter,
  type Projection,
  type Projections,
} from '@daybook/event-store';
import {
  callRoutes,
  createListener,
  httpServer,
  onCall,
  type AppOptions,
  type CallHandler,
  type DirectRoute,
} from '@daybook/http';
import {
  createConsumer,
  createRelay,
  messagingMigrations,
  openTransport,
  parkedAnswers,
  parkedMessages,
  type Consumer,
  type ParkedMessages,
  type RelayOptions,
  type Subscription,
  type Transport,
} from '@daybook/messaging';
import {
  callTokens,
  createLogger,
  createMetrics,
  inOrder,
  type Clock,
  type Component,
  type Logger,
  type OnFatal,
  type Registry,
  type Service,
  type ServiceSettings,
} from '@daybook/runtime';
import type { Pool } from 'pg';
import { oldestWriterGauge } from './writer-gauge';

export type PlatformOptions = {
  /** The service's folder: what logs, metrics and the broker call it. Its schema is the same with underscores. */
  readonly name: string;
  /** Directory of the service's own migrations. They come after those of the event store and of messaging. */
  readonly migrations: string;
  /** Reachable from outside, so it serves no calls; what it has parked is to be asked of `parked`. */
  readonly isEdge?: boolean;
};

/** What a test, or a process with several services, brings instead. */
export type PlatformOverrides = {
  readonly now: Clock;
  readonly logger: Logger;
  /** Started and stopped by its owner. */
  readonly transport: Transport;
  readonly onFatal: OnFatal;
};

export type Platform = {
  readonly logger: Logger;
  readonly onFatal: OnFatal;
  /** By the database's clock. */
  readonly now: Clock;
  readonly metrics: Registry;
  /** For everything but consumers; the event store's appends too. */
  readonly pool: Pool;
  /** For whatever keeps a transaction open while it waits for an append. */
  readonly consumerPool: Pool;
  readonly store: EventStore;
  /** The read models of one checkpoint. */
  projections<Event extends { readonly type: string }>(group: {
    readonly codec: EventCodec<Event>;
    readonly name: string;
    readonly projections: readonly Projection<Event>[];
  }): Projections;
  consumer(subscription: Subscription): Consumer;
  relay(options: RelayOptions): Component;
  /** What its consumers have set aside. Operators get at it by calls, which the platform serves. */
  readonly parked: ParkedMessages;
  /** The whole, ready to start. Called once, last. */
  service(parts: ServiceParts): Service;
};

export type ServiceParts = {
  /** Started in this order, after database and transport and before the HTTP server; stopped in reverse. */
  readonly components: readonly Component[];
  readonly routes?: AppOptions['routes'];
  /** Of these routes, those that are answered without the app. */
  readonly direct?: readonly DirectRoute[];
  /** What else than the start and the database keeps the service from serving, or nothing. */
  readonly notReady?: () => string | undefined;
};

/** Connects to nothing yet: that is for the start of the service. */
export function openPlatform(
  config: ServiceSettings,
  { name, migrations, isEdge = false }: PlatformOptions,
  overrides: Partial<PlatformOverrides> = {},
): Platform {
  const schema = name.replaceAll('-', '_');
  const logger = overrides.logger ?? createLogger({ service: name, level: config.LOG_LEVEL });
  const onFatal = overrides.onFatal ?? ((error) => logger.fatal({ error }, 'the service cannot go on'));
  const metrics = createMetrics(name);
  const { pool, consumerPool } = openPools(config, schema, logger);
  oldestWriterGauge(metrics, pool);
  const clock = databaseClock(pool, logger);
  const now = overrides.now ?? clock.now;
  const store = storeOf(config, name, pool, logger);
  const transport = overrides.transport ?? transportOf(config, name, logger);
  const subscriptions: Subscription[] = [];
  const parked = parkedMessages({ pool: consumerPool, logger, metrics, onFatal, subscriptions });

  const foundation: Component[] = [
    connections([pool, consumerPool]),
    {
      name: 'database',
      async start() {
        await assertDatabase(pool);
        const sources = [eventStoreMigrations, messagingMigrations, { name, directory: migrations }];
        await migrate(pool, schema, sources, logger);
        await assertAppendOnly(pool);
      },
      stop: () => store.close(),
    },
    { name: 'log', start: () => assertOwnLog(pool, store), stop: async () => undefined },
    clock,
    watchWriters({ pool, logger }),
    ...(overrides.transport === undefined ? [transport] : []),
  ];
  return {
    logger,
    onFatal,
    now,
    metrics,
    pool,
    consumerPool,
    store,
    projections: (group) => createProjections({ ...group, pool, store, logger, onFatal }),
    consumer(subscription) {
      subscriptions.push(subscription);
      // On Postgres the log is where the places of consumers are.
      const elsewhere = config.EVENT_STORE === 'postgres' ? {} : { store };
      const deps = { pool: consumerPool, transport, logger, metrics, onFatal, now, ...elsewhere };
      return createConsumer(deps, subscription);
    },
    relay: (options) => createRelay({ pool, store, transport, logger, metrics, onFatal }, options),
    parked,
    service(parts) {
      const handlers = subscriptions.length > 0 ? parkedHandlers(name, parked) : [];
      return assemble(config, { name, isEdge, logger, metrics, pool, store, now, foundation, handlers }, parts);
    },
  };
}

type Base = Pick<Platform, 'logger' | 'metrics' | 'pool' | 'store' | 'now'> & {
  readonly name: string;
  readonly isEdge: boolean;
  readonly foundation: readonly Component[];
  readonly handlers: readonly CallHandler[];
};

function assemble(config: ServiceSettings, base: Base, parts: ServiceParts): Service {
  const { name, logger, metrics } = base;
  let running = false;
  const notReady = async () => (running ? (parts.notReady?.() ?? unanswered(config, base)) : 'starting');
  const listener = createListener({
    direct: parts.direct ?? [],
    logger,
    metrics,
    notReady,
    routes(to) {
      parts.routes?.(to);
      if (!base.isEdge) to.use(callRoutes(callTokens(config), [...base.handlers, statusHandler(base, notReady)]));
    },
  });
  const server = httpServer(listener, { host: config.HTTP_HOST, port: config.HTTP_PORT });
  const all = inOrder(name, [...base.foundation, ...parts.components, server]);
  return {
    async start() {
      await all.start();
      running = true;
      return { url: server.url };
    },
    async stop() {
      running = false;
      await all.stop();
    },
  };
}

function parkedHandlers(name: string, parked: ParkedMessages): CallHandler[] {
  const { list, redrive } = parkedAnswers(name, parked);
  return [onCall(list.call, list.handle), onCall(redrive.call, redrive.handle)];
}

/** Answers while the service is ready, as `/readyz` does. */
function statusHandler(base: Base, notReady: () => Promise<string | undefined>): CallHandler {
  return onCall(serviceStatusCall(base.name), async () => {
    const reason = await notReady();
    if (reason !== undefined) throw new OperationalError('store_unavailable', true, { detail: reason });
    const [readers, writer] = await Promise.all([readerWaits(base), oldestWriter(base.pool)]);
    return {
      ok: true,
      value: { readers: [...readers], oldestWriter: writer === undefined ? null : describeWriter(writer) },
    };
  });
}

const describeWriter = ({ application, database, ageMs }: OldestWriter) => ({
  application,
  database,
  ageS: Math.max(0, ageMs) / 1_000,
});

/**
 * A consumer keeps its transaction open while its effect is appended on another connection. The two come from pools of
 * their own, so that no append waits for a connection that only an append sets free.
 */
function openPools(config: ServiceSettings, schema: string, logger: Logger): Pick<Platform, 'pool' | 'consumerPool'> {
  const onError = (error: Error) => logger.warn({ error }, 'idle database connection lost');
  const consumersMax = Math.floor(config.DATABASE_POOL_MAX / 2);
  const open = (poolMax: number) => openDatabase({ url: config.DATABASE_URL, schema, poolMax, onError });
  return { pool: open(config.DATABASE_POOL_MAX - consumersMax), consumerPool: open(consumersMax) };
}

/** First in order, so that it is stopped last, and also when the migrations fail. */
function connections(pools: readonly Pool[]): Component {
  return {
    name: 'database connections',
    start: async () => undefined,
    async stop() {
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
}

/** Only the log moves with the setting: read models, places, inboxes and keys of persons stay in Postgres. */
function storeOf(config: ServiceSettings, service: string, pool: Pool, logger: Logger): EventStore {
  const { EVENT_STORE, EVENTSTOREDB_URL: url, EVENTSTOREDB_NAMESPACE: namespace } = config;
  if (EVENT_STORE !== 'eventstoredb') return postgresEventStore(pool);
  if (url === undefined) throw new Error('EVENTSTOREDB_URL is not set');
  return eventStoreDb({ url, namespace, service, logger });
}

function transportOf(config: ServiceSettings, clientId: string, logger: Logger): Transport {
  return openTransport({
    kind: config.MESSAGING,
    databaseUrl: config.DATABASE_URL,
    brokers: config.KAFKA_BROKERS,
    sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
    clientId,
    logger,
  });
}

async function unanswered({ EVENT_STORE }: ServiceSettings, { pool, store }: Base): Promise<string | undefined> {
  const answers = (asked: Promise<unknown>, otherwise: string) =>
    asked.then(
      () => undefined,
      () => otherwise,
    );
  const database = await answers(pool.query('select 1'), 'the database does not answer');
  if (database !== undefined || EVENT_STORE === 'postgres') return database;
  return answers(store.tail(), 'the event store does not answer');
}
