/** Settings of the Solana cluster that is sent on, named as chain-watcher names its own. */
import { nodeUrlSetting } from '@daybook/runtime';
import { z } from 'zod';
import { amountSetting, modeSetting, opened } from './chain-settings';
import { solanaSendChain } from './solana-send-chain';

export const solanaSettings = {
  SOLANA_RPC_URL: nodeUrlSetting.describe('JSON-RPC of a Solana node. Without it SOL and USDT_SOL are not sent.'),
  SOLANA_CLUSTER: z
    .enum(['mainnet', 'testnet', 'devnet', 'local'])
    .default('mainnet')
    .describe('Cluster that the node must be of; on another nothing is sent.'),
  SOLANA_MODE: modeSetting.describe('Mode that the Solana node serves.'),
  SOLANA_USDT_MINT: z
    .string()
    .regex(/^[1-9A-HJ-NP-Za-km-z]{32,44}$/)
    .optional()
    .describe('The one mint that is USDT on Solana. Without it only SOL is sent there.'),
  SOLANA_FEE_MAX: amountSetting('SOL')
    .default(5_000_000n)
    .describe("Most that one send may cost in fees, in SOL, the rent of a recipient's token account included."),
};

const schema = z.object(solanaSettings);

export function configuredSolana(config: z.output<typeof schema>) {
  const { SOLANA_RPC_URL: url, SOLANA_CLUSTER: cluster, SOLANA_MODE: mode, SOLANA_USDT_MINT: usdtMint } = config;
  if (url === undefined) return [];
  const assets = usdtMint === undefined ? (['SOL'] as const) : (['SOL', 'USDT_SOL'] as const);
  const known = { chain: `solana-${cluster}`, mode, family: 'solana', assets, feeAsset: 'SOL' } as const;
  return [opened(known, () => solanaSendChain({ url, cluster, mode, usdtMint, feeCap: config.SOLANA_FEE_MAX }))];
}
