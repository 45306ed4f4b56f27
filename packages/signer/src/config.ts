import { assetCodes, assets, parseAmount, type AssetCode } from '@daybook/money';
import { entriesOf, parseConfig, secretSetting, serviceSettings, type Environment } from '@daybook/runtime';
import { z } from 'zod';
import type { Caps } from './domain/signing';

const { HTTP_HOST, HTTP_PORT, LOG_LEVEL, SHUTDOWN_GRACE_MS } = serviceSettings;
const evmAddress = z.string().regex(/^0x[0-9a-fA-F]{40}$/);

/** `ETH=1/10`: at most 1 at once and 10 a day. */
const capsSetting = z
  .string()
  .default('')
  .transform((list) => entriesOf(list).map(capsOf))
  .refine((all) => all.every((caps) => caps !== undefined), 'must be asset=at once/a day, by comma, like ETH=1/10')
  .transform((all): Readonly<Partial<Record<AssetCode, Caps>>> =>
    Object.fromEntries(all.filter((caps) => caps !== undefined)),
  );

export const configSchema = z.object({
  HTTP_HOST,
  HTTP_PORT,
  SIGNER_TOKEN: secretSetting(32).describe('What those who may ask for signatures hold.'),
  SIGNER_DIRECTORY: z
    .string()
    .min(1)
    .describe('Directory of the keystore and of the journal of signatures. Back up both; neither is used alone.'),
  KEYSTORE_PASSWORD: secretSetting(12).describe('Password of the keystore.'),
  KEYSTORE_CREATE: z
    .enum(['true', 'false'])
    .default('false')
    .transform((create) => create === 'true')
    .describe('Whether a start without a keystore makes one with a new key. For sandboxes: nobody has its words.'),
  SEND_CAPS: capsSetting.describe(
    'Most of an asset in one send and in one UTC day: `ETH=1/10,BTC=0.1/0.5`. An asset that is not listed is not sent.',
  ),
  FEE_CAPS: capsSetting.describe(
    'Most of a native asset that one send and all of one UTC day may cost in fees: `ETH=0.02/0.2`. A chain whose asset is ' +
      'not listed is not used.',
  ),
  BITCOIN_FEE_PERCENT_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(50)
    .describe('Most that the fee of a Bitcoin send may be, in percent of its amount.'),
  SEND_RECIPIENTS: z
    .string()
    .default('')
    .transform((list) =>
      // Of EVM addresses the case is a checksum, of those of bech32 it means nothing.
      entriesOf(list).map((entry) => (/^(0x|(bc|tb|bcrt)1)/i.test(entry) ? entry.toLowerCase() : entry)),
    )
    .describe('The only addresses that are paid, by comma. Without it any address may be.'),
  REPLACEMENTS_MAX: z.coerce
    .number()
    .int()
    .min(0)
    .max(100)
    .default(10)
    .describe('Transactions with a higher fee that may follow the first one of a send.'),
  EVM_CHAIN_ID: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).default(31_337).describe('The EVM chain.'),
  EVM_USDT_CONTRACT: evmAddress.optional().describe('The one contract that is USDT on the EVM chain.'),
  EVM_SETTLEMENT_CONTRACT: evmAddress.optional().describe('The settlement contract that may be paid through.'),
  BITCOIN_NETWORK: z
    .enum(['mainnet', 'testnet', 'signet', 'regtest'])
    .default('mainnet')
    .describe('The Bitcoin network.'),
  TRON_USDT_CONTRACT: z
    .string()
    .regex(/^T[1-9A-HJ-NP-Za-km-z]{33}$/)
    .optional()
    .describe('The one contract that is USDT on Tron.'),
  SOLANA_USDT_MINT: z
    .string()
    .regex(/^[1-9A-HJ-NP-Za-km-z]{32,44}$/)
    .optional()
    .describe('The one mint that is USDT on Solana.'),
  LOG_LEVEL,
  SHUTDOWN_GRACE_MS,
});

export type Config = Readonly<z.output<typeof configSchema>>;

export const loadConfig = (env: Environment): Config => parseConfig(configSchema, env);

function capsOf(entry: string): readonly [AssetCode, Caps] | undefined {
  const [code = '', amounts = ''] = entry.split('=');
  const asset = assetCodes.find((one) => one === code);
  if (asset === undefined) return undefined;
  const [perSend, perDay, ...more] = amounts.split('/').map((amount) => parseAmount(amount, assets[asset].scale));
  if (!perSend?.ok || !perDay?.ok || more.length > 0) return undefined;
  return [asset, { perSend: perSend.units, perDay: perDay.units }];
}
