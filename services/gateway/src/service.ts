import { join } from 'node:path';
import { parkedCalls } from '@daybook/contracts';
import { callClient, type CallClient } from '@daybook/http';
import type { Service } from '@daybook/runtime';
import { openPlatform, type PlatformOverrides } from '@daybook/service';
import { orAskIdentity } from './app/ask-identity';
import { createAuthenticate } from './app/authenticate';
import { cacheCredentials } from './app/credential-cache';
import type { Config } from './config';
import { identityCredentials } from './consumers/identity-credentials';
import { bodyRoom } from './http/body-room';
import { mountDocs } from './http/docs';
import { eventStreams } from './http/event-stream';
import { jsonLines } from './http/json-lines';
import { createLimits } from './http/limits';
import { directRoutes, mountRoutes } from './http/mount';
import { openApiDocument } from './http/openapi';
import { allRoutes, dialects } from './http/routes';
import type { Ask, ConsumingService, ParkedMessages, Services } from './ports';
import { credentialTable } from './projections/credentials';

const migrations = join(__dirname, '../migrations');

/** Bytes of large bodies in memory at once, as they come; what is made of them is several times as much. */
const largeBodiesMax = 134_217_728;

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<PlatformOverrides> = {}): Service {
  const platform = openPlatform(config, { name: 'gateway', migrations, isEdge: true }, overrides);
  const { pool, now, logger } = platform;
  const services = callClients(config);
  const known = orAskIdentity(credentialTable(pool), services.identity);
  const credentials = cacheCredentials(known, { lifetimeMs: config.CREDENTIAL_CACHE_MS, now });
  const parked = { ...parkedElsewhere(services), gateway: platform.parked };
  const closing = new AbortController();
  const routes = allRoutes({ services, parked, now, signatureAbove: config.PAY_SIGNATURE_ABOVE });

  const gateDeps = {
    authenticate: createAuthenticate({ credentials, tokenKeys: config.TOKEN_PUBLIC_KEY, now }),
    limits: createLimits({
      requestsPerMinute: {
        pay: config.PAY_RATE_LIMIT_PER_MINUTE,
        general: config.RATE_LIMIT_PER_MINUTE,
        public: config.PUBLIC_RATE_LIMIT_PER_MINUTE,
      },
      authFailuresPerMinute: config.AUTH_FAILURES_PER_MINUTE,
    }),
    bodies: bodyRoom(largeBodiesMax),
    streams: eventStreams({ closing: closing.signal, logger }),
    sendLines: jsonLines({ closing: closing.signal, logger }),
    trustedProxies: config.TRUSTED_PROXIES,
    logger,
  };

  const service = platform.service({
    components: [platform.consumer(identityCredentials(credentials)), ...Object.values(services)],
    routes: (app) => {
      mountDocs(app, openApiDocument(routes, dialects));
      mountRoutes(app, dialects, routes, gateDeps);
    },
    direct: directRoutes(dialects, routes, gateDeps),
  });
  return {
    start: service.start,
    async stop() {
      closing.abort();
      await service.stop();
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
    settlement: clientOf(config.SETTLEMENT_URL),
  };
}

function parkedElsewhere(services: Services): Record<Exclude<ConsumingService, 'gateway'>, ParkedMessages> {
  const of = (service: ConsumingService, ask: Ask): ParkedMessages => {
    const { list, redrive } = parkedCalls(service);
    return { list: (request) => ask(list, request), redrive: (request) => ask(redrive, request) };
  };
  return {
    intents: of('intents', services.intents),
    ledger: of('ledger', services.ledger),
    settlement: of('settlement', services.settlement),
    notifications: of('notifications', services.notifications),
  };
}
