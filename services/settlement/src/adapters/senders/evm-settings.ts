/** Settings of the EVM chain that is sent on, named as chain-watcher names its own. */
import { assets, parseAmount } from '@daybook/money';
import { Secret } from '@daybook/runtime';
import { settlementAddress } from '@daybook/settlement-contract';
import { z } from 'zod';
import { evmSendChain } from './evm-send-chain';

const ether = z
  .string()
  .transform((text) => parseAmount(text, assets.ETH.scale))
  .refine((amount) => amount.ok && amount.units > 0n, 'must be an amount of ETH above zero')
  .transform((amount) => (amount.ok ? amount.units : 0n));

export const evmSettings = {
  EVM_RPC_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => new Secret(url))
    .optional()
    .meta({ secret: true })
    .describe('JSON-RPC of an EVM node. Without it ETH and USDT_ERC20 are not sent.'),
  EVM_CHAIN_ID: z.coerce
    .number()
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .default(31_337)
    .describe('Chain that EVM_RPC_URL must serve, one whose coin is ETH; on another nothing is sent.'),
  EVM_MODE: z.enum(['sandbox', 'live']).default('sandbox').describe('Mode that the EVM chain serves.'),
  EVM_USDT_CONTRACT: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .optional()
    .describe('The one contract that is USDT on the EVM chain. Without it USDT_ERC20 is not sent.'),
  EVM_SETTLEMENT_CONTRACT: z
    .string()
    .refine((address) => address.toLowerCase() === settlementAddress.toLowerCase(), `must be ${settlementAddress}`)
    .optional()
    .describe('The settlement contract, where it is on the chain. Without it nothing is sent through it.'),
  EVM_CONFIRMATIONS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(3)
    .describe('Blocks that make an EVM transaction final, its own included, where EVM_FINALITY is depth.'),
  EVM_FINALITY: z
    .enum(['depth', 'finalized'])
    .optional()
    .describe(
      'What makes an EVM transaction final: EVM_CONFIRMATIONS blocks, or the `finalized` mark of the chain. Without it ' +
        'finalized where EVM_MODE is live, else depth; as for chain-watcher.',
    ),
  EVM_FEE_MAX: ether
    .default(20_000_000_000_000_000n)
    .describe('Most that one send may cost in fees, in ETH; 0.02 when it is not set.'),
};

const schema = z.object(evmSettings);

export function configuredEvm(config: z.output<typeof schema>) {
  const { EVM_RPC_URL: url, EVM_CHAIN_ID: chainId, EVM_MODE: mode, EVM_USDT_CONTRACT: usdtContract } = config;
  if (url === undefined) return [];
  const finality = finalityOf(config);
  const withContract = config.EVM_SETTLEMENT_CONTRACT !== undefined;
  return [evmSendChain({ url, chainId, mode, usdtContract, withContract, finality, feeMax: config.EVM_FEE_MAX })];
}

/** What nobody decided is the careful choice where it is about money. */
export function finalityOf({
  EVM_FINALITY: chosen,
  EVM_MODE: mode,
  EVM_CONFIRMATIONS: confirmations,
}: Pick<z.output<typeof schema>, 'EVM_FINALITY' | 'EVM_MODE' | 'EVM_CONFIRMATIONS'>) {
  const kind = chosen ?? (mode === 'live' ? 'finalized' : 'depth');
  return kind === 'finalized' ? { kind } : { kind, confirmations };
}
