import {
  ConfigError,
  nodeUrlSetting,
  parseConfig,
  secretSetting,
  serviceSettings,
  type Environment,
} from '@daybook/runtime';
import { z } from 'zod';
import { amountsSetting, modeSetting, repeatsHost, tiersSetting, urlList } from './adapters/chain-settings';
import { evmNatives } from './adapters/evm-networks';

const extendedPublicKey = z
  .string()
  .regex(/^xpub[1-9A-HJ-NP-Za-km-z]{107}$/, 'must be an extended public key (xpub…), never a private one')
  .optional();
const confirmations = z.coerce.number().int().min(1).max(1000);
const startBlock = z.coerce.number().int().min(0).optional();

export const configSchema = z.object({
  ...serviceSettings,
  EVM_RPC_URL: nodeUrlSetting.describe('JSON-RPC of an EVM node. Without it ETH and USDT_ERC20 are not available.'),
  EVM_CHAIN_ID: z.coerce
    .number()
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .default(31_337)
    .describe('Chain that EVM_RPC_URL must serve; another one stops the start.'),
  EVM_NATIVE: z
    .enum(evmNatives)
    .optional()
    .describe(
      'What the coin of the EVM chain is: ETH, or none of our assets. Without it ETH where the chain id is known for it, else none.',
    ),
  EVM_MODE: z
    .enum(['sandbox', 'live'])
    .default('sandbox')
    .describe('Mode that the EVM chain serves. The simulated chains serve only sandbox.'),
  EVM_USDT_CONTRACT: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .optional()
    .describe('The one contract that is USDT on the EVM chain. Without it USDT_ERC20 is not available.'),
  EVM_XPUB: extendedPublicKey.describe('Extended public key whose children are the EVM deposit addresses.'),
  EVM_CONFIRMATIONS: confirmations
    .default(3)
    .describe('Blocks that make a deposit on the EVM chain final, its own included, where EVM_FINALITY is depth.'),
  EVM_FINALITY: z
    .enum(['depth', 'finalized'])
    .optional()
    .describe(
      'What makes an EVM deposit final: EVM_CONFIRMATIONS blocks, or the `finalized` mark of the chain. Without it ' +
        'finalized where EVM_MODE is live, else depth.',
    ),
  EVM_WITNESS_URLS: urlList.describe('Further EVM nodes, by comma; see CHAIN_WITNESSED_FROM.'),
  EVM_START_BLOCK: startBlock.describe('First EVM block to scan on the first start; the newest final one without it.'),
  BITCOIN_RPC_URL: nodeUrlSetting.describe(
    'JSON-RPC of bitcoind, with user and password. Without a node BTC is not available.',
  ),
  BITCOIN_ESPLORA_URL: nodeUrlSetting.describe('HTTP API of an Esplora, used when BITCOIN_RPC_URL is not set.'),
  BITCOIN_WITNESS_URLS: urlList.describe('Further Esplora APIs, by comma; see CHAIN_WITNESSED_FROM.'),
  BITCOIN_NETWORK: z
    .enum(['mainnet', 'testnet', 'signet', 'regtest'])
    .default('mainnet')
    .describe('Network that the node must be of; another one stops the start.'),
  BITCOIN_MODE: modeSetting.describe('Mode that Bitcoin serves.'),
  BITCOIN_XPUB: extendedPublicKey.describe(
    "Extended public key (xpub, also of a test network) whose children are the Bitcoin deposit addresses: m/84'/0'/0'/0.",
  ),
  BITCOIN_CONFIRMATIONS: confirmations.default(3).describe('Blocks that make a BTC deposit final, its own included.'),
  BITCOIN_TIERS: tiersSetting('BTC', '1=6').describe(
    'More confirmations for large deposits: amount in BTC and confirmations, by comma.',
  ),
  BITCOIN_START_BLOCK: startBlock.describe(
    'First Bitcoin block to scan on the first start; the newest final one without it.',
  ),
  TRON_XPUB: extendedPublicKey.describe('Extended public key whose children are the Tron deposit addresses.'),
  TRON_API_URL: nodeUrlSetting.describe('HTTP API of a Tron node. Without it Tron is simulated, in sandbox only.'),
  TRON_API_KEY: secretSetting(1).optional().describe('Key of the API, sent as TRON-PRO-API-KEY.'),
  TRON_WITNESS_URLS: urlList.describe('Further Tron nodes, by comma; see CHAIN_WITNESSED_FROM.'),
  TRON_NETWORK: z
    .enum(['mainnet', 'nile', 'shasta', 'private'])
    .default('mainnet')
    .describe('Network that the node must be of; another one stops the start.'),
  TRON_MODE: modeSetting.describe('Mode that the Tron node serves.'),
  TRON_USDT_CONTRACT: z
    .string()
    .regex(/^T[1-9A-HJ-NP-Za-km-z]{33}$/)
    .optional()
    .describe('The one contract that is USDT on Tron. Without it only TRX is available there.'),
  TRON_START_BLOCK: startBlock.describe(
    'First Tron block to scan on the first start; the newest final one without it.',
  ),
  SOLANA_SEED: secretSetting(32)
    .refine((seed) => /^([0-9a-fA-F]{2}){16,64}$/.test(seed.reveal()), 'must be 16 to 64 bytes in hex')
    .optional()
    .describe('Seed of the Solana deposit addresses in hex: ed25519 has no public derivation.'),
  SOLANA_RPC_URL: nodeUrlSetting.describe(
    'JSON-RPC of a Solana node. Without it Solana is simulated, in sandbox only.',
  ),
  SOLANA_WITNESS_URLS: urlList.describe('Further Solana nodes, by comma; see CHAIN_WITNESSED_FROM.'),
  SOLANA_CLUSTER: z
    .enum(['mainnet', 'testnet', 'devnet', 'local'])
    .default('mainnet')
    .describe('Cluster that the node must be of; another one stops the start.'),
  SOLANA_MODE: modeSetting.describe('Mode that the Solana node serves.'),
  SOLANA_USDT_MINT: z
    .string()
    .regex(/^[1-9A-HJ-NP-Za-km-z]{32,44}$/)
    .optional()
    .describe('The one mint that is USDT on Solana. Without it only SOL is available there.'),
  SOLANA_ALLOW_TOKEN_2022: z
    .enum(['true', 'false'])
    .default('false')
    .transform((allow) => allow === 'true')
    .describe('Whether that mint may be of Token-2022, with extensions that do not take away what was paid.'),
  SOLANA_START_SLOT: startBlock.describe(
    'First Solana slot to scan on the first start; the newest final one without it.',
  ),
  UPI_PAYEE: z
    .string()
    .regex(/^[A-Za-z0-9._-]{2,256}@[A-Za-z0-9.-]{2,64}$/)
    .optional()
    .describe('UPI address that payment links pay. Without it UPI is not available.'),
  UPI_PAYEE_NAME: z.string().min(1).max(99).default('Daybook').describe('Name that payment links show.'),
  SANDBOX_CONFIRMATIONS: confirmations
    .default(2)
    .describe('Blocks that make a deposit on a simulated chain final, its own included.'),
  CHAIN_WITNESSED_FROM: amountsSetting.describe(
    'Amounts from which a deposit is credited only if most of all nodes of its chain tell it: BTC=0.5,ETH=10. ' +
      'With one node the setting has no effect.',
  ),
  CHAIN_FROZEN_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(86_400_000)
    .default(1_800_000)
    .describe('Time without another newest block after which a chain that is not simulated alarms; 0 for never.'),
  CHAIN_LAG_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .default(1000)
    .describe('Blocks that a cursor may be behind before its chain alarms.'),
  CHAIN_POLL_MS: z.coerce.number().int().min(10).max(60_000).default(500).describe('Pause between looks at a chain.'),
});

export type Config = Readonly<z.output<typeof configSchema>>;

/** Throws ConfigError naming each setting that is wrong. */
export function loadConfig(env: Environment): Config {
  const config = parseConfig(configSchema, env);
  const problems = Object.entries({
    EVM_WITNESS_URLS: [config.EVM_RPC_URL, ...config.EVM_WITNESS_URLS],
    BITCOIN_WITNESS_URLS: [config.BITCOIN_RPC_URL ?? config.BITCOIN_ESPLORA_URL, ...config.BITCOIN_WITNESS_URLS],
    TRON_WITNESS_URLS: [config.TRON_API_URL, ...config.TRON_WITNESS_URLS],
    SOLANA_WITNESS_URLS: [config.SOLANA_RPC_URL, ...config.SOLANA_WITNESS_URLS],
  }).flatMap(([name, urls]) =>
    repeatsHost(urls) ? [`${name}: a node is no witness of itself: each needs another host`] : [],
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}
