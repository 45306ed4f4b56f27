/**
 * The real chains that the settings name, each with what decides about it. A chain without a node is not followed; Tron
 * and Solana are then simulated (`sandbox-chain.ts`), and the others not available.
 */
import type { Mode } from '@daybook/contracts';
import type { AssetCode } from '@daybook/money';
import type { Secret } from '@daybook/runtime';
import type { Network } from '../app/networks';
import type { Config } from '../config';
import type { ChainAsset, FinalityRule } from '../domain/confirmation';
import type { PaymentPlace } from '../domain/payment-uri';
import type { ChainSource } from '../ports';
import { bitcoinChain } from './bitcoin-chain';
import { bitcoindNode, esploraNode } from './bitcoin-nodes';
import { evmChain } from './evm-chain';
import { evmNativeOf } from './evm-networks';
import { solanaChain } from './solana-chain';
import { tronChain } from './tron-chain';

export type ConfiguredChain = {
  readonly source: ChainSource;
  readonly witnesses: readonly ChainSource[];
  readonly rule: FinalityRule;
  readonly startBlock: number | undefined;
  readonly mode: Mode;
  readonly family: Network['family'];
  readonly assets: readonly ChainAsset[];
  /** Whether addresses can be made on it. */
  readonly hasKey: boolean;
};

const withToken = (coin: ChainAsset | undefined, token: ChainAsset, contract: string | undefined) => [
  ...(coin === undefined ? [] : [coin]),
  ...(contract === undefined ? [] : [token]),
];

export function configuredChains(config: Config): readonly ConfiguredChain[] {
  return [evm(config), bitcoin(config), tron(config), solana(config)].filter((chain) => chain !== undefined);
}

function evm(config: Config): ConfiguredChain | undefined {
  const { EVM_RPC_URL, EVM_CHAIN_ID: chainId, EVM_USDT_CONTRACT: usdtContract } = config;
  if (EVM_RPC_URL === undefined) return undefined;
  const native = config.EVM_NATIVE ?? evmNativeOf(chainId);
  const through = (url: Secret) => evmChain({ url, chainId, usdtContract, native });
  return {
    source: through(EVM_RPC_URL),
    witnesses: config.EVM_WITNESS_URLS.map(through),
    rule: evmRule(config),
    startBlock: config.EVM_START_BLOCK,
    mode: config.EVM_MODE,
    family: 'evm',
    assets: withToken(native === 'ETH' ? native : undefined, 'USDT_ERC20', usdtContract),
    hasKey: config.EVM_XPUB !== undefined,
  };
}

/** With real money a few blocks are not enough unless somebody says so; a development chain may have no mark. */
function evmRule({ EVM_FINALITY, EVM_MODE, EVM_CONFIRMATIONS: confirmations }: Config): FinalityRule {
  const finality = EVM_FINALITY ?? (EVM_MODE === 'live' ? 'finalized' : 'depth');
  return finality === 'finalized' ? { kind: 'finalized' } : { kind: 'depth', confirmations };
}

function bitcoin(config: Config): ConfiguredChain | undefined {
  const { BITCOIN_RPC_URL, BITCOIN_ESPLORA_URL, BITCOIN_NETWORK: network } = config;
  const node = BITCOIN_RPC_URL
    ? bitcoindNode(BITCOIN_RPC_URL)
    : BITCOIN_ESPLORA_URL && esploraNode(BITCOIN_ESPLORA_URL);
  if (node === undefined) return undefined;
  return {
    source: bitcoinChain(node, network),
    witnesses: config.BITCOIN_WITNESS_URLS.map((url) => bitcoinChain(esploraNode(url), network)),
    rule: { kind: 'depth', confirmations: config.BITCOIN_CONFIRMATIONS, tiers: config.BITCOIN_TIERS },
    startBlock: config.BITCOIN_START_BLOCK,
    mode: config.BITCOIN_MODE,
    family: 'bitcoin',
    assets: ['BTC'],
    hasKey: config.BITCOIN_XPUB !== undefined,
  };
}

function tron(config: Config): ConfiguredChain | undefined {
  const { TRON_API_URL, TRON_API_KEY: apiKey, TRON_NETWORK: network, TRON_USDT_CONTRACT: usdtContract } = config;
  if (TRON_API_URL === undefined) return undefined;
  return {
    source: tronChain({ url: TRON_API_URL, apiKey, network, usdtContract }),
    // The key is one provider's.
    witnesses: config.TRON_WITNESS_URLS.map((url) => tronChain({ url, apiKey: undefined, network, usdtContract })),
    rule: { kind: 'finalized' },
    startBlock: config.TRON_START_BLOCK,
    mode: config.TRON_MODE,
    family: 'tron',
    assets: withToken('TRX', 'USDT_TRC20', usdtContract),
    hasKey: config.TRON_XPUB !== undefined,
  };
}

function solana(config: Config): ConfiguredChain | undefined {
  const { SOLANA_RPC_URL, SOLANA_CLUSTER: cluster, SOLANA_USDT_MINT: usdtMint } = config;
  if (SOLANA_RPC_URL === undefined) return undefined;
  const through = (url: Secret) =>
    solanaChain({ url, cluster, usdtMint, allowToken2022: config.SOLANA_ALLOW_TOKEN_2022 });
  return {
    source: through(SOLANA_RPC_URL),
    witnesses: config.SOLANA_WITNESS_URLS.map(through),
    rule: { kind: 'finalized' },
    startBlock: config.SOLANA_START_SLOT,
    mode: config.SOLANA_MODE,
    family: 'solana',
    assets: withToken('SOL', 'USDT_SOL', usdtMint),
    hasKey: config.SOLANA_SEED !== undefined,
  };
}

/** Contracts of assets, as the settings pin them, and the id of an EVM chain. */
export function paymentPlaceOf(config: Config) {
  const contracts: Partial<Record<AssetCode, string | undefined>> = {
    USDT_ERC20: config.EVM_USDT_CONTRACT,
    USDT_TRC20: config.TRON_USDT_CONTRACT,
    USDT_SOL: config.SOLANA_USDT_MINT,
  };
  return (chain: string, asset: AssetCode): PaymentPlace => {
    const id = /^evm-(\d+)$/.exec(chain)?.[1];
    return { contract: contracts[asset], chainId: id === undefined ? undefined : Number(id) };
  };
}

/** What can be paid here: a chain to follow and a key (or payee) to make addresses with. Real chains come first. */
export function networksOf(config: Config, chains: readonly ConfiguredChain[]): readonly Network[] {
  const real = chains
    .filter(({ hasKey }) => hasKey)
    .map(({ source, mode, family, assets }): Network => ({ chain: source.chain, mode, family, assets }));
  const { TRON_XPUB, SOLANA_SEED, UPI_PAYEE } = config;
  const simulated = (chain: string, family: Network['family'], assets: readonly ChainAsset[]): Network => ({
    chain,
    mode: 'sandbox',
    family,
    assets,
  });
  return [
    ...real,
    ...(TRON_XPUB === undefined ? [] : [simulated('sandbox-tron', 'tron', ['USDT_TRC20'])]),
    ...(SOLANA_SEED === undefined ? [] : [simulated('sandbox-solana', 'solana', ['SOL', 'USDT_SOL'])]),
    ...(UPI_PAYEE === undefined ? [] : [simulated('sandbox-upi', 'upi', ['INR'])]),
  ];
}
