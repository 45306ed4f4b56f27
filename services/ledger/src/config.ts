import { parseConfig, sealingKeySetting, serviceSettings, type Environment } from '@daybook/runtime';
import { z } from 'zod';

export const configSchema = z.object({
  ...serviceSettings,
  PERSONAL_DATA_KEY: sealingKeySetting.describe(
    'Master key of personal data in events, 32 bytes in base64. Losing it loses the notes of all transfers.',
  ),
  BATCH_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(1_000)
    .describe('Commands that are appended together at most.'),
  QUEUE_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe('Commands of a book that may wait for their answer; more are refused until some are answered.'),
});
export type Config = Readonly<z.output<typeof configSchema>>;

export const loadConfig = (env: Environment): Config => parseConfig(configSchema, env);
