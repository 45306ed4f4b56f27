import { join } from 'node:path';
import {
  createPersonalData,
  eventStoreMigrations,
  migrate,
  openDatabase,
  postgresEventStore,
} from '@daybook/event-store';
import { callRoutes, createApp, httpServer } from '@daybook/http';
import { createRelay, openTransport, type Transport } from '@daybook/messaging';
import {
  createLogger,
  createMetrics,
  createSealer,
  inOrder,
  systemClock,
  type Clock,
  type Component,
  type Logger,
  type OnFatal,
  type Service,
} from '@daybook/runtime';
import type { Pool } from 'pg';
import { postgresLoginAttempts } from './adapters/login-attempts';
import { loginNames } from './adapters/login-names';
import { argon2Passwords } from './adapters/passwords';
import { jwtTokens } from './adapters/tokens';
import { openCredentials } from './app/credentials';
import { inTurn } from './app/in-turn';
import type { Config } from './config';
import { callHandlers } from './http/calls';
import { publishedEvents } from './adapters/published-events';

export type Overrides = {
  readonly now: Clock;
  readonly logger: Logger;
  /** Started and stopped by its owner. */
  readonly transport: Transport;
  readonly onFatal: OnFatal;
};

const schema = 'identity';

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<Overrides> = {}): Service {
  const logger = overrides.logger ?? createLogger({ service: schema, level: config.LOG_LEVEL });
  const onFatal = overrides.onFatal ?? ((error) => logger.fatal({ error }, 'the service cannot go on'));
  const now = overrides.now ?? systemClock;
  const metrics = createMetrics(schema);
  const pool = openDatabase({
    url: config.DATABASE_URL,
    schema,
    poolMax: config.DATABASE_POOL_MAX,
    onError: (error) => logger.warn({ error }, 'a database connection was lost'),
  });
  const store = postgresEventStore(pool);
  const transport = overrides.transport ?? transportOf(config, logger);
  const handlers = callHandlers({
    credentials: openCredentials(store),
    tokens: jwtTokens(config.TOKEN_PRIVATE_KEY),
    passwords: argon2Passwords(),
    loginNames: loginNames(
      config.PERSONAL_DATA_KEY,
      createPersonalData({ pool, masterKey: config.PERSONAL_DATA_KEY, now }),
    ),
    attempts: postgresLoginAttempts(pool),
    oneByOne: inTurn(),
    sealer: createSealer(config.SECRETS_KEY),
    now,
    tokenTtlDays: config.TOKEN_TTL_DAYS,
  });

  let running = false;
  const app = createApp({
    logger,
    metrics,
    notReady: () => (running ? unanswered(pool) : 'starting'),
    routes: (express) => express.use(callRoutes(config.INTERNAL_TOKEN, handlers)),
  });
  const server = httpServer(app, { host: config.HTTP_HOST, port: config.HTTP_PORT });
  const components = inOrder(schema, [
    database(pool),
    ...(overrides.transport === undefined ? [transportComponent(transport)] : []),
    { name: 'event store', start: async () => undefined, stop: () => store.close() },
    createRelay(
      { pool, store, transport, logger, metrics, onFatal },
      { name: 'identity.credentials', map: publishedEvents },
    ),
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

function database(pool: Pool): Component {
  const own = { name: schema, directory: join(__dirname, '../migrations') };
  return {
    name: 'database',
    start: () => migrate(pool, schema, [eventStoreMigrations, own]),
    stop: () => pool.end(),
  };
}

async function unanswered(pool: Pool): Promise<string | undefined> {
  return pool.query('select 1').then(
    () => undefined,
    () => 'the database does not answer',
  );
}
