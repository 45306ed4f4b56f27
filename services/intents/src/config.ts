import {
  durationMsSetting,
  parseConfig,
  sealingKeySetting,
  secretsKeySettings,
  serviceSettings,
  type Environment,
} from '@daybook/runtime';
import { z } from 'zod';

const providerUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

const ttlMsMax = 7 * 24 * 3_600_000;

export const configSchema = z.object({
  ...serviceSettings,
  CHAIN_WATCHER_URL: z.url({ protocol: /^https?$/ }).describe('Base URL of chain-watcher, which allocates addresses.'),
  INTENT_TTL_MS: durationMsSetting(ttlMsMax)
    .default(1_800_000)
    .describe('Lifetime of an intent in milliseconds; deposits seen later are owed back.'),
  ...secretsKeySettings('the secrets of payment gateways and the sessions of payments'),
  PERSONAL_DATA_KEY: sealingKeySetting.describe(
    '32 random bytes in base64: wraps the keys that descriptions and metadata of payments are encrypted under.',
  ),
  STRIPE_URL: providerUrl.default('https://api.stripe.com').describe('Base URL of the Stripe API.'),
  PAYPAL_URL: providerUrl.default('https://api-m.paypal.com').describe('Base URL of the PayPal API.'),
  PAYPAL_SANDBOX_URL: providerUrl
    .default('https://api-m.sandbox.paypal.com')
    .describe('Base URL of the PayPal API for gateways of its sandbox.'),
  COINBASE_RATES_URL: providerUrl
    .default('https://api.coinbase.com')
    .describe('Base URL of the public exchange rates of Coinbase, for quotes of live tenants.'),
  KRAKEN_URL: providerUrl
    .default('https://api.kraken.com')
    .describe('Base URL of the public ticker of Kraken, for quotes of live tenants.'),
  QUOTE_TTL_MS: durationMsSetting(ttlMsMax).default(60_000).describe('For how long a quote holds, in milliseconds.'),
  COINBASE_URL: providerUrl
    .default('https://api.commerce.coinbase.com')
    .describe('Base URL of the Coinbase Commerce API.'),
});
export type Config = Readonly<z.output<typeof configSchema>>;

export const loadConfig = (env: Environment): Config => parseConfig(configSchema, env);
