import { durationMsSetting, parseConfig, sealingKeySetting, serviceSettings, type Environment } from '@daybook/runtime';
import { z } from 'zod';

const deadlineMsMax = 24 * 3_600_000;

export const configSchema = z.object({
  ...serviceSettings,
  SETTLEMENT_DEADLINE_MS: durationMsSetting(deadlineMsMax)
    .default(60_000)
    .describe('A settlement that the ledger has not posted after this time counts as overdue, in milliseconds.'),
  LEDGER_URL: z
    .url({ protocol: /^https?$/ })
    .describe('Base URL of the ledger, which holds what is promised to institutions and chains.'),
  SECRETS_KEY: sealingKeySetting.describe('32 random bytes in base64: encrypts the settings of institutions at rest.'),
  PERSONAL_DATA_KEY: sealingKeySetting.describe(
    '32 random bytes in base64: wraps the keys that descriptions and recipients are encrypted under.',
  ),
  BANK_OUTBOX_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('Directory of the files that tell banks to pay; without it there are no institutions of kind iso20022.'),
});
export type Config = Readonly<z.output<typeof configSchema>>;

export const loadConfig = (env: Environment): Config => parseConfig(configSchema, env);
