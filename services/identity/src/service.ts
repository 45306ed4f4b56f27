import { join } from 'node:path';
import { createPersonalData } from '@daybook/event-store';
import { callRoutes } from '@daybook/http';
import { callTokens, createSealer, inTurn, secretsKeysOf, type Service } from '@daybook/runtime';
import { openPlatform, type PlatformOverrides } from '@daybook/service';
import { postgresLoginAttempts } from './adapters/login-attempts';
import { loginNames } from './adapters/login-names';
import { argon2Passwords } from './adapters/passwords';
import { publishedEvents } from './adapters/published-events';
import { jwtTokens } from './adapters/tokens';
import { openCredentials } from './app/credentials';
import type { Config } from './config';
import { callHandlers } from './http/calls';

const migrations = join(__dirname, '../migrations');

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<PlatformOverrides> = {}): Service {
  const platform = openPlatform(config, { name: 'identity', migrations }, overrides);
  const { pool, store, now } = platform;
  const personalData = createPersonalData({ pool, masterKey: config.PERSONAL_DATA_KEY, now });
  const handlers = callHandlers({
    credentials: openCredentials(store),
    tokens: jwtTokens(config.TOKEN_PRIVATE_KEY),
    passwords: argon2Passwords(),
    loginNames: loginNames(config.PERSONAL_DATA_KEY, personalData),
    attempts: postgresLoginAttempts(pool),
    oneByOne: inTurn(),
    sealer: createSealer(secretsKeysOf(config)),
    now,
    tokenTtlDays: config.TOKEN_TTL_DAYS,
  });
  return platform.service({
    components: [platform.relay({ name: 'identity.credentials', map: publishedEvents })],
    routes: (app) => app.use(callRoutes(callTokens(config), handlers)),
  });
}
