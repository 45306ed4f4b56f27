/** Settings of the Tron network that is sent on, named as chain-watcher names its own. */
import { nodeUrlSetting, Secret } from '@daybook/runtime';
import { z } from 'zod';
import { amountSetting, modeSetting, opened } from './chain-settings';
import { tronSendChain } from './tron-send-chain';

export const tronSettings = {
  TRON_API_URL: nodeUrlSetting.describe('HTTP API of a Tron node. Without it TRX and USDT_TRC20 are not sent.'),
  TRON_API_KEY: z
    .string()
    .min(1)
    .transform((key) => new Secret(key))
    .optional()
    .meta({ secret: true })
    .describe('Key of the API, sent as TRON-PRO-API-KEY.'),
  TRON_NETWORK: z
    .enum(['mainnet', 'nile', 'shasta', 'private'])
    .default('mainnet')
    .describe('Network that the node must be of; on another nothing is sent.'),
  TRON_MODE: modeSetting.describe('Mode that the Tron node serves.'),
  TRON_USDT_CONTRACT: z
    .string()
    .regex(/^T[1-9A-HJ-NP-Za-km-z]{33}$/)
    .optional()
    .describe('The one contract that is USDT on Tron. Without it only TRX is sent there.'),
  TRON_FEE_MAX: amountSetting('TRX')
    .default(50_000_000n)
    .describe('Most that one send may cost in fees, in TRX: energy, bytes and an account of the recipient.'),
};

const schema = z.object(tronSettings);

export function configuredTron(config: z.output<typeof schema>) {
  const { TRON_API_URL: url, TRON_API_KEY: apiKey, TRON_NETWORK: network, TRON_MODE: mode } = config;
  if (url === undefined) return [];
  const { TRON_USDT_CONTRACT: usdtContract, TRON_FEE_MAX: feeCap } = config;
  const assets = usdtContract === undefined ? (['TRX'] as const) : (['TRX', 'USDT_TRC20'] as const);
  const known = { chain: `tron-${network}`, mode, family: 'tron', assets, feeAsset: 'TRX' } as const;
  return [opened(known, () => tronSendChain({ url, apiKey, network, mode, usdtContract, feeCap }))];
}
