import { durationMsSetting, parseConfig, serviceSettings, type Environment } from '@daybook/runtime';
import { z } from 'zod';

const deadlineMsMax = 24 * 3_600_000;

export const configSchema = z.object({
  ...serviceSettings,
  SETTLEMENT_DEADLINE_MS: durationMsSetting(deadlineMsMax)
    .default(60_000)
    .describe('A settlement that the ledger has not posted after this time counts as overdue, in milliseconds.'),
});
export type Config = Readonly<z.output<typeof configSchema>>;

export const loadConfig = (env: Environment): Config => parseConfig(configSchema, env);
