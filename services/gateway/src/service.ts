import { join } from 'node:path';
import { migrate, openDatabase } from '@daybook/event-store';
import { callClient, createApp, httpServer, type CallClient } from '@daybook/http';
import { createConsumer, messagingMigrations, openTransport, type Transport } from '@daybook/messaging';
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
import { orAskIdentity } from './app/ask-identity';
import { createAuthenticate } from './app/authenticate';
import { cacheCredentials } from './app/credential-cache';
import type { Config } from './config';
import { identityCredentials } from './consumers/identity-credentials';
import { mountDocs } from './http/docs';
import { createLimits } from './http/limits';
import { mountRoutes } from './http/mount';
import { openApiDocument } from './http/openapi';
import { allRoutes, dialects } from './http/routes';
import type { Services } from './ports';
import { credentialTable } from './projections/credentials';
export type Overrides = {
  readonly now: Clock;
  readonly logger: Logger;
  /** Started and stopped by its owner. */
  readonly transport: Transport;
  readonly onFatal: OnFatal;
};

const schema = 'gateway';

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
    onError: (error) => logger.warn({ error }, 'idle database connection lost'),
  });
  const services = callClients(config);
  const known = orAskIdentity(credentialTable(pool), services.identity);
  const credentials = cacheCredentials(known, { lifetimeMs: config.CREDENTIAL_CACHE_MS, now });
  const transport = overrides.transport ?? transportOf(config, logger);
  const routes = allRoutes({ services, now, signatureAbove: config.PAY_SIGNATURE_ABOVE });

  let running = false;
  const app = createApp({
    logger,
    metrics,
    notReady: () => (running ? unanswered(pool) : 'starting'),
    routes: (express) => {
      mountDocs(express, openApiDocument(routes, dialects));
      mountRoutes(express, dialects, routes, {
        authenticate: createAuthenticate({ credentials, tokenPublicKey: config.TOKEN_PUBLIC_KEY, now }),
        limits: createLimits({
          requestsPerMinute: {
            pay: config.PAY_RATE_LIMIT_PER_MINUTE,
            general: config.RATE_LIMIT_PER_MINUTE,
            public: config.PUBLIC_RATE_LIMIT_PER_MINUTE,
          },
          authFailuresPerMinute: config.AUTH_FAILURES_PER_MINUTE,
        }),
        trustedProxies: config.TRUSTED_PROXIES,
        logger,
      });
    },
  });
  const server = httpServer(app, { host: config.HTTP_HOST, port: config.HTTP_PORT });

  const parts = inOrder(schema, [
    database(pool),
    ...(overrides.transport === undefined ? [transport] : []),
    createConsumer({ pool, transport, logger, metrics, onFatal, now }, identityCredentials(credentials)),
    ...Object.values(services),
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

function callClients(config: Config): Record<keyof Services, CallClient> {
  const clientOf = (baseUrl: string) => callClient({ baseUrl, token: config.INTERNAL_TOKEN });
  return {
    identity: clientOf(config.IDENTITY_URL),
    intents: clientOf(config.INTENTS_URL),
    ledger: clientOf(config.LEDGER_URL),
    chainWatcher: clientOf(config.CHAIN_WATCHER_URL),
    notifications: clientOf(config.NOTIFICATIONS_URL),
  };
}

function database(pool: Pool): Component {
  const own = { name: schema, directory: join(__dirname, '../migrations') };
  return {
    name: 'database',
    start: () => migrate(pool, schema, [messagingMigrations, own]),
    stop: () => pool.end(),
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
