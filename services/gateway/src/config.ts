import { assets, parseAmount } from '@daybook/money';
import {
  durationMsSetting,
  entriesOf,
  parseConfig,
  portSetting,
  serviceSettings,
  type Environment,
} from '@daybook/runtime';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { readTokenKeys, type TokenKeys } from './app/token-keys';

const serviceUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

/** Public halves of the keys that identity signs tokens with. `\n` written out is read as a line break. */
const tokenPublicKeys = z.string().transform((pems, context): TokenKeys => {
  const keys = readTokenKeys(pems.replaceAll('\\n', '\n'));
  if (keys.ok) return keys.value;
  context.addIssue({ code: 'custom', message: keys.problem });
  return z.NEVER;
});

const cidrList = z
  .string()
  .transform(entriesOf)
  .refine((blocks) => blocks.every((block) => ipaddr.isValidCIDR(block)), 'must be CIDR blocks such as 10.0.0.0/8');

/** Minor units of TXC, or null for "off". */
const signatureThreshold = z.string().transform((text, context): bigint | null => {
  if (text === 'off') return null;
  if (/^0(\.0{1,2})?$/.test(text)) return 0n;
  const amount = parseAmount(text, assets.TXC.scale);
  if (amount.ok) return amount.units;
  context.addIssue({ code: 'custom', message: 'must be an amount of TXC such as 1000.00, or off' });
  return z.NEVER;
});

const perMinute = z.coerce.number().int().min(1).max(1_000_000);

export const configSchema = z.object({
  ...serviceSettings,
  HTTP_PORT: portSetting.default(8080).describe('Port to listen on; 0 chooses a free one.'),
  IDENTITY_URL: serviceUrl.describe('Base URL of the identity service.'),
  INTENTS_URL: serviceUrl.describe('Base URL of the intents service.'),
  LEDGER_URL: serviceUrl.describe('Base URL of the ledger service.'),
  CHAIN_WATCHER_URL: serviceUrl.describe('Base URL of the chain-watcher service.'),
  NOTIFICATIONS_URL: serviceUrl.describe('Base URL of the notifications service.'),
  SETTLEMENT_URL: serviceUrl.describe('Base URL of the settlement service.'),
  TOKEN_PUBLIC_KEY: tokenPublicKeys.describe(
    'PEM of the P-256 public key that bearer tokens are verified with; of several, one after the other, while it is replaced.',
  ),
  TRUSTED_PROXIES: cidrList
    .prefault('')
    .describe('Comma-separated CIDR blocks of our own proxies; X-Forwarded-For is read only from them.'),
  PAY_RATE_LIMIT_PER_MINUTE: perMinute
    .default(100)
    .describe('Requests a minute on pay for each credential, in each gateway process.'),
  RATE_LIMIT_PER_MINUTE: perMinute
    .default(6_000)
    .describe('Requests a minute on the other APIs, all together, for each credential, in each gateway process.'),
  PUBLIC_RATE_LIMIT_PER_MINUTE: perMinute
    .default(100)
    .describe('Requests a minute on routes without a credential, such as sign-in, for each address.'),
  AUTH_FAILURES_PER_MINUTE: perMinute
    .default(300)
    .describe('Failed authentications a minute for each address, before it is refused without a check.'),
  PAY_SIGNATURE_ABOVE: signatureThreshold
    .prefault('1000.00')
    .describe('TXC amount above which a transfer on pay must be signed; off asks for no signatures.'),
  CREDENTIAL_CACHE_MS: durationMsSetting(60_000)
    .default(2_000)
    .describe(
      'Longest time that a revoked credential may still work once the message of it is handled by another process.',
    ),
});

export type Config = Readonly<z.output<typeof configSchema>>;

export const loadConfig = (env: Environment): Config => parseConfig(configSchema, env);
