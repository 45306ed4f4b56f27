import {
  durationMsSetting,
  parseConfig,
  sealingKeySetting,
  secretsKeySettings,
  secretSetting,
  serviceSettings,
  type Environment,
} from '@daybook/runtime';
import { z } from 'zod';
import { senderSettings } from './adapters/senders';

const dayMs = 24 * 3_600_000;

export const configSchema = z.object({
  ...serviceSettings,
  SETTLEMENT_DEADLINE_MS: durationMsSetting(dayMs)
    .default(60_000)
    .describe('A settlement that the ledger has not posted after this time counts as overdue, in milliseconds.'),
  LEDGER_URL: z
    .url({ protocol: /^https?$/ })
    .describe('Base URL of the ledger, which holds what is promised to institutions and chains.'),
  ...secretsKeySettings('the settings of institutions'),
  PERSONAL_DATA_KEY: sealingKeySetting.describe(
    '32 random bytes in base64: wraps the keys that descriptions and recipients are encrypted under.',
  ),
  BANK_OUTBOX_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('Directory of the files that tell banks to pay; without it there are no institutions of kind iso20022.'),
  SIGNER_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional()
    .describe('Base URL of the signer, which alone has the keys of hot wallets. Without it nothing can be sent.'),
  SIGNER_TOKEN: secretSetting(32).optional().describe('What the signer knows this service by; needed with SIGNER_URL.'),
  CHAIN_WATCHER_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Base URL of chain-watcher, which watches the addresses of hot wallets; needed with SIGNER_URL.'),
  SEND_POLL_MS: durationMsSetting(60_000)
    .default(1_000)
    .describe(
      'Pause between looks at a send that is not done, in milliseconds; longer for one that has waited for long.',
    ),
  SEND_BUMP_AFTER_MS: durationMsSetting(dayMs)
    .default(60_000)
    .describe('A transaction that is in no block after this time is replaced with a higher fee, in milliseconds.'),
  SEND_GIVE_UP_AFTER_MS: durationMsSetting(dayMs)
    .default(3_600_000)
    .describe(
      'A send that could not be signed in this time, for want of funds or because of fees, fails; in milliseconds.',
    ),
  WALLET_RECONCILE_MS: durationMsSetting(dayMs)
    .default(60_000)
    .describe('Pause between comparisons of hot wallets with the ledger, in milliseconds.'),
  ...senderSettings,
});
export type Config = Readonly<z.output<typeof configSchema>>;

export const loadConfig = (env: Environment): Config => parseConfig(configSchema, env);
