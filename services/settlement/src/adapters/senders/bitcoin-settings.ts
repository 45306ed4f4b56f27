/** Settings of the Bitcoin network that is sent on, named as chain-watcher names its own. */
import { assets } from '@daybook/money';
import { nodeUrlSetting } from '@daybook/runtime';
import { z } from 'zod';
import { bitcoinSendChain } from './bitcoin-send-chain';
import { bitcoindWallet, esploraWallet } from './bitcoin-wallet-nodes';
import { amountSetting, modeSetting, opened } from './chain-settings';

export const bitcoinSettings = {
  BITCOIN_RPC_URL: nodeUrlSetting.describe(
    'JSON-RPC of bitcoind with user, password and the path of a descriptor wallet without keys (`/wallet/<name>`). Without a ' +
      'node BTC is not sent.',
  ),
  BITCOIN_ESPLORA_URL: nodeUrlSetting.describe('HTTP API of an Esplora, used when BITCOIN_RPC_URL is not set.'),
  BITCOIN_NETWORK: z
    .enum(['mainnet', 'testnet', 'signet', 'regtest'])
    .default('mainnet')
    .describe('Network that the node must be of; on another nothing is sent.'),
  BITCOIN_MODE: modeSetting.describe('Mode that Bitcoin serves.'),
  BITCOIN_SEND_CONFIRMATIONS: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(6)
    .describe('Blocks that make a send of BTC final, its own included. Coins are spent when they are as deep.'),
  BITCOIN_FEE_MAX: amountSetting('BTC').default(50_000n).describe('Most that one send may cost in fees, in BTC.'),
  BITCOIN_FEE_PERCENT_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe('Most that the fee of a send may be, in percent of its amount; the lesser of the two holds.'),
};

const schema = z.object(bitcoinSettings);
const partsPerPercent = 10_000n;

export function configuredBitcoin(config: z.output<typeof schema>) {
  const { BITCOIN_RPC_URL: rpc, BITCOIN_ESPLORA_URL: esplora, BITCOIN_NETWORK: network, BITCOIN_MODE: mode } = config;
  const node = rpc === undefined ? esplora && esploraWallet(esplora) : bitcoindWallet(rpc);
  if (node === undefined) return [];
  const partsPerMillion = BigInt(config.BITCOIN_FEE_PERCENT_MAX) * partsPerPercent;
  const feeCap = { absolute: config.BITCOIN_FEE_MAX, partsPerMillion };
  const confirmations = config.BITCOIN_SEND_CONFIRMATIONS;
  const known = { chain: `bitcoin-${network}`, mode, family: 'bitcoin', assets: [assets.BTC.code] } as const;
  return [
    opened({ ...known, feeAsset: 'BTC' }, () => bitcoinSendChain({ node, network, mode, confirmations, feeCap })),
  ];
}
