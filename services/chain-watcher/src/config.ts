import { Secret, parseConfig, secretSetting, serviceSettings, type Environment } from '@daybook/runtime';
import { z } from 'zod';

const extendedPublicKey = z
  .string()
  .regex(/^xpub[1-9A-HJ-NP-Za-km-z]{107}$/, 'must be an extended public key (xpub…), never a private one')
  .optional();
const confirmations = z.coerce.number().int().min(1).max(1000);

export const configSchema = z.object({
  ...serviceSettings,
  EVM_RPC_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => new Secret(url))
    .optional()
    .meta({ secret: true })
    .describe('JSON-RPC of an EVM node. Without it ETH and USDT_ERC20 are not available.'),
  EVM_CHAIN_ID: z.coerce
    .number()
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .default(31_337)
    .describe('Chain that EVM_RPC_URL must serve; another one stops the start.'),
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
    .describe('Blocks that make a deposit on the EVM chain final, its own included.'),
  EVM_START_BLOCK: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe('First EVM block to scan on the first start; the head without it.'),
  TRON_XPUB: extendedPublicKey.describe('Extended public key whose children are the Tron deposit addresses.'),
  SOLANA_SEED: secretSetting(32)
    .refine((seed) => /^([0-9a-fA-F]{2}){16,64}$/.test(seed.reveal()), 'must be 16 to 64 bytes in hex')
    .optional()
    .describe('Seed of the Solana deposit addresses in hex: ed25519 has no public derivation.'),
  UPI_PAYEE: z
    .string()
    .regex(/^[A-Za-z0-9._-]{2,256}@[A-Za-z0-9.-]{2,64}$/)
    .optional()
    .describe('UPI address that payment links pay. Without it UPI is not available.'),
  UPI_PAYEE_NAME: z.string().min(1).max(99).default('Daybook').describe('Name that payment links show.'),
  SANDBOX_CONFIRMATIONS: confirmations
    .default(2)
    .describe('Blocks that make a deposit on a simulated chain final, its own included.'),
  CHAIN_POLL_MS: z.coerce.number().int().min(10).max(60_000).default(500).describe('Pause between looks at a chain.'),
});

export type Config = Readonly<z.output<typeof configSchema>>;

export const loadConfig = (env: Environment): Config => parseConfig(configSchema, env);
