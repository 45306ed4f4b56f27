import {
  oldSealingKeysSetting,
  parseConfig,
  sealingKeySetting,
  serviceSettings,
  type Environment,
} from '@daybook/runtime';
import { z } from 'zod';

export const configSchema = z.object({
  ...serviceSettings,
  SECRETS_KEY: sealingKeySetting.describe('32 random bytes in base64: encrypts signing secrets at rest.'),
  SECRETS_KEYS_OLD: oldSealingKeysSetting,
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
