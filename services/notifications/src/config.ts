import { parseConfig, secretsKeySettings, serviceSettings, type Environment } from '@daybook/runtime';
import { z } from 'zod';

export const configSchema = z.object({
  ...serviceSettings,
  ...secretsKeySettings('signing secrets'),
  WEBHOOK_ALLOW_LOOPBACK: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe('Lets sandbox endpoints be on this machine, without TLS; for development.'),
});

export type Config = Readonly<z.output<typeof configSchema>>;

export function loadConfig(env: Environment): Config {
  return parseConfig(configSchema, env);
}
