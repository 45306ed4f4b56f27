import { durationMsSetting, parseConfig, serviceSettings, type Environment } from '@daybook/runtime';
import { z } from 'zod';

const ttlMsMax = 7 * 24 * 3_600_000;

export const configSchema = z.object({
  ...serviceSettings,
  CHAIN_WATCHER_URL: z.url({ protocol: /^https?$/ }).describe('Base URL of chain-watcher, which allocates addresses.'),
  INTENT_TTL_MS: durationMsSetting(ttlMsMax)
    .default(1_800_000)
    .describe('Lifetime of an intent in milliseconds; deposits seen later are owed back.'),
});
export type Config = Readonly<z.output<typeof configSchema>>;

export const loadConfig = (env: Environment): Config => parseConfig(configSchema, env);
