import { join } from 'node:path';
import { asOperational, commandHandler, type Projections } from '@daybook/event-store';
import { callRoutes } from '@daybook/http';
import type { Component, Service } from '@daybook/runtime';
import { openPlatform, type Platform, type PlatformOverrides } from '@daybook/service';
import { reservePlace } from './adapters/address-places';
import { blockCursor } from './adapters/block-cursor';
import { evmChain, evmChainName } from './adapters/evm-chain';
import { evmDeriver, solanaDeriver, tronDeriver } from './adapters/key-derivers';
import { publishedEvents } from './adapters/published-events';
import { sandboxChain, sandboxChains, type SandboxChain } from './adapters/sandbox-chain';
import { addressEvents, depositEvents, storedEvents } from './adapters/stored-events';
import { statusOfChains } from './app/chain-status';
import { chainWatcher, type ChainWatcher } from './app/chain-watcher';
import type { Network } from './app/networks';
import { watchPass, type Pass } from './app/watch-chain';
import { steadyPace } from './app/watch-deps';
import { watchlist } from './app/watchlist';
import type { Config } from './config';
import { addressDecider } from './domain/address';
import { depositDecider } from './domain/deposit';
import { callHandlers } from './http/calls';
import { chainMetrics } from './http/chain-metrics';
import type { AddressDeriver, ChainSource } from './ports';
import { addressesAfter, addressesProjection, chainOfAddress } from './projections/addresses';
import { depositsAbove, depositsProjection, depositsSeenUpTo } from './projections/deposits';

export type Overrides = PlatformOverrides & {
  /** Stands between the watcher and the source of a chain. */
  readonly wrapSource: (source: ChainSource) => ChainSource;
};

const migrations = join(__dirname, '../migrations');

type Parts = Pick<Platform, 'pool' | 'store' | 'now' | 'logger' | 'onFatal'> & {
  readonly config: Config;
  readonly projections: Projections;
  readonly sandboxes: readonly SandboxChain[];
};

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<Overrides> = {}): Service {
  const platform = openPlatform(config, { name: 'chain-watcher', migrations }, overrides);
  const { pool, metrics } = platform;
  const projections = platform.projections({
    codec: storedEvents,
    name: 'chain_watcher_v1',
    projections: [addressesProjection, depositsProjection],
  });
  const sandboxes = sandboxChains.map((chain) => sandboxChain(pool, chain));
  const parts: Parts = { ...platform, config, projections, sandboxes };
  const sources = [...evmSources(config), ...sandboxes].map(overrides.wrapSource ?? ((source) => source));
  const watchers = sources.map((source) => watcherOf(parts, source));
  const chains = watchers.map((watcher) => ({ ...watcher, tip: () => blockCursor(pool, watcher.chain).tip() }));
  chainMetrics(metrics, () => statusOfChains({ chains }));
  const isHalted = (chain: string) => watchers.some((watcher) => watcher.chain === chain && watcher.state().halted);
  const calls = callRoutes(
    config.INTERNAL_TOKEN,
    callHandlers({ ...allocation(parts, isHalted), ...simulation(parts), chains }),
  );

  return platform.service({
    components: [
      projections,
      ...sandboxes.map((chain) => ({ name: chain.chain, start: () => chain.start(), stop: async () => undefined })),
      ...sources.map(disconnecting),
      ...watchers,
      platform.relay({ name: 'deposits', map: publishedEvents }),
    ],
    routes: (app) => app.use(calls),
  });
}

function disconnecting(source: ChainSource): Component {
  return { name: `source of ${source.chain}`, start: async () => undefined, stop: () => source.stop() };
}

function evmSources(config: Config): ChainSource[] {
  const { EVM_RPC_URL: url, EVM_CHAIN_ID: chainId, EVM_USDT_CONTRACT: usdtContract } = config;
  return url === undefined ? [] : [evmChain({ url, chainId, usdtContract })];
}

function watcherOf(parts: Parts, source: ChainSource): ChainWatcher {
  const { config, pool, projections, now, logger, onFatal } = parts;
  const { chain } = source;
  const simulated = parts.sandboxes.find((sandbox) => sandbox.chain === chain);
  const deposits = commandHandler(depositDecider, depositEvents, parts.store);
  const deps = {
    source,
    cursor: blockCursor(pool, chain),
    watchlist: watchlist((id) => addressesAfter(pool, chain, id)),
    rule: {
      kind: 'depth' as const,
      confirmations: simulated === undefined ? config.EVM_CONFIRMATIONS : config.SANDBOX_CONFIRMATIONS,
    },
    witnesses: { sources: [], above: {} },
    pace: steadyPace(),
    startBlock: simulated === undefined ? config.EVM_START_BLOCK : 0,
    now,
    logger,
    handle: deposits.handle,
    caughtUp: () => projections.caughtUp(),
    depositsAbove: (number: number) => depositsAbove(pool, chain, number),
    depositsSeenUpTo: (number: number) => depositsSeenUpTo(pool, chain, number),
  };
  let previous: Pass | undefined;
  return chainWatcher({
    chain,
    pollMs: config.CHAIN_POLL_MS,
    verify: () => source.verify(),
    async pass(onHead) {
      // A simulated chain lives at the pace of its watcher.
      await simulated?.mineUnconfirmed(config.SANDBOX_CONFIRMATIONS);
      const before = previous;
      previous = undefined;
      previous = await watchPass(deps, onHead, before);
      return previous;
    },
    asOperational,
    now,
    logger,
    onFatal,
  });
}

function allocation({ config, pool, store, now }: Parts, isHalted: (chain: string) => boolean) {
  const { EVM_XPUB, TRON_XPUB, SOLANA_SEED, UPI_PAYEE } = config;
  const derivers: AddressDeriver[] = [
    ...(EVM_XPUB === undefined ? [] : [evmDeriver(EVM_XPUB)]),
    ...(TRON_XPUB === undefined ? [] : [tronDeriver(TRON_XPUB)]),
    ...(SOLANA_SEED === undefined ? [] : [solanaDeriver(SOLANA_SEED)]),
  ];
  return {
    networks: networksOf(config),
    derivers,
    payee: UPI_PAYEE === undefined ? undefined : { address: UPI_PAYEE, name: config.UPI_PAYEE_NAME },
    reservePlace: (family: Network['family'], reference: string) => reservePlace(pool, family, reference),
    isWatched: async (chain: string) => !isHalted(chain) && (await blockCursor(pool, chain).tip()) !== undefined,
    ...commandHandler(addressDecider, addressEvents, store),
    now,
  };
}

function simulation({ config, pool, projections, sandboxes }: Parts) {
  return {
    networks: networksOf(config),
    simulated: new Map(sandboxes.map((chain) => [chain.chain, chain])),
    chainOfAddress: (owner: Parameters<typeof chainOfAddress>[1]) => chainOfAddress(pool, owner),
    caughtUp: () => projections.caughtUp(),
  };
}

/** What can be paid here: a chain to follow and a key (or payee) to make addresses with. */
function networksOf(config: Config): readonly Network[] {
  const { EVM_RPC_URL, EVM_XPUB, EVM_USDT_CONTRACT, TRON_XPUB, SOLANA_SEED, UPI_PAYEE } = config;
  const evm: Network = {
    chain: evmChainName(config.EVM_CHAIN_ID),
    mode: config.EVM_MODE,
    family: 'evm',
    assets: EVM_USDT_CONTRACT === undefined ? ['ETH'] : ['ETH', 'USDT_ERC20'],
  };
  const tron: Network = { chain: 'sandbox-tron', mode: 'sandbox', family: 'tron', assets: ['USDT_TRC20'] };
  const solana: Network = { chain: 'sandbox-solana', mode: 'sandbox', family: 'solana', assets: ['SOL', 'USDT_SOL'] };
  const upi: Network = { chain: 'sandbox-upi', mode: 'sandbox', family: 'upi', assets: ['INR'] };
  return [
    ...(EVM_RPC_URL === undefined || EVM_XPUB === undefined ? [] : [evm]),
    ...(TRON_XPUB === undefined ? [] : [tron]),
    ...(SOLANA_SEED === undefined ? [] : [solana]),
    ...(UPI_PAYEE === undefined ? [] : [upi]),
  ];
}
