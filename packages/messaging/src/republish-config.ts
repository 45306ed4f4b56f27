import { parseConfig, serviceSettings, type Environment } from '@daybook/runtime';
import { z } from 'zod';

export const republishConfigSchema = z.object({
  DATABASE_URL: serviceSettings.DATABASE_URL.describe('Postgres of the services, as a postgres:// URL.'),
  LOG_LEVEL: serviceSettings.LOG_LEVEL,
});

export function loadRepublishConfig(env: Environment) {
  return parseConfig(republishConfigSchema, env);
}
