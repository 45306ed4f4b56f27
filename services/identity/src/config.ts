import {
  parseConfig,
  sealingKeySetting,
  secretsKeySettings,
  serviceSettings,
  type Environment,
} from '@daybook/runtime';
import { z } from 'zod';
import { tokenKeySetting } from './adapters/tokens';

export const configSchema = z.object({
  ...serviceSettings,
  TOKEN_PRIVATE_KEY: tokenKeySetting.describe('PEM private key of the P-256 curve: signs tokens (ES256).'),
  TOKEN_TTL_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_650)
    .default(365)
    .describe('Days until an issued token expires.'),
  ...secretsKeySettings('signing secrets'),
  PERSONAL_DATA_KEY: sealingKeySetting.describe(
    '32 random bytes in base64: wraps the keys that login names are encrypted under.',
  ),
});

export type Config = Readonly<z.output<typeof configSchema>>;

export function loadConfig(env: Environment): Config {
  return parseConfig(configSchema, env);
}
