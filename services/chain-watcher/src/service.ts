import { join } from 'node:path';
import { asOperational, commandHandler, type Projections } from '@daybook/event-store';
import { callRoutes } from '@daybook/http';
import type { AssetCode } from '@daybook/money';
import { callTokens, type Component, type Service } from '@daybook/runtime';
import { openPlatform, type Platform, type PlatformOverrides } from '@daybook/service';
import { reservePlace } from './adapters/address-places';
import { blockCursor } from './adapters/block-cursor';
import { configuredChains, networksOf, paymentPlaceOf, type ConfiguredChain } from './adapters/configured-chains';
import { bitcoinDeriver, evmDeriver, solanaDeriver, tronDeriver } from './adapters/key-derivers';
import { publishedEvents } from './adapters/published-events';
import { sandboxChain, sandboxChains, type SandboxChain } from './adapters/sandbox-chain';
import { addressEvents, depositEvents, storedEvents } from './adapters/stored-events';
import { balanceBook } from './adapters/balance-book';
import { faultsOf } from './app/asset-faults';
import { statusOfChains } from './app/chain-status';
import { chainWatcher, type ChainWatcher } from './app/chain-watcher';
import { balanceComparison } from './app/compare-balances';
import type { Network } from './app/networks';
import type { RescanDeps } from './app/rescan-chain';
import { watchPass, type Pass } from './app/watch-chain';
import { steadyPace, type WatchDeps } from './app/watch-deps';
import { watchlist } from './app/watchlist';
import type { Config } from './config';
import { addressDecider } from './domain/address';
import { depositDecider } from './domain/deposit';
import { callHandlers } from './http/calls';
import { addressMetrics, chainMetrics } from './http/chain-metrics';
import type { AddressDeriver, ChainSource } from './ports';
import {
  addressesAfter,
  addressesProjection,
  chainOfAddress,
  countAddressConflicts,
  referenceOfAddress,
} from './projections/addresses';
import {
  depositsAbove,
  depositsOf,
  depositsProjection,
  depositsRevertedInCursor,
  depositsSeenUpTo,
} from './projections/deposits';

export type Overrides = PlatformOverrides & {
  /** Stands between the watcher and the source of a chain. */
  readonly wrapSource: (source: ChainSource) => ChainSource;
};

type Rescannable = RescanDeps['rescannable'] extends ReadonlyMap<string, infer Value> ? Value : never;

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
  const real = configuredChains(config);
  const wrap = overrides.wrapSource ?? ((source: ChainSource) => source);
  const watched = [...real, ...sandboxes.map((chain) => simulatedAsConfigured(config, chain))].map((chain) => ({
    ...chain,
    source: wrap(chain.source),
  }));
  const followed = watched.map((chain) => watcherOf(parts, chain));
  const watchers = followed.map(({ watcher }) => watcher);
  const sources = watched.flatMap(({ source, witnesses }) => [source, ...witnesses]);
  const networks = networksOf(config, real);
  const chains = watchers.map((watcher) => ({
    ...watcher,
    tip: () => blockCursor(pool, watcher.chain).tip(),
    unexplained: (limit: number) => balanceBook(pool, watcher.chain, platform.now).unexplained(limit),
  }));
  chainMetrics(metrics, () => statusOfChains({ chains }));
  addressMetrics(metrics, () => countAddressConflicts(pool));
  const isOff = (chain: string, asset: AssetCode) =>
    watchers.some((watcher) => {
      const { halted, faults } = watcher.state();
      return watcher.chain === chain && (halted || faults.some((fault) => fault.asset === asset));
    });
  const calls = callRoutes(
    callTokens(config),
    callHandlers({
      networks,
      ...allocation(parts, isOff),
      ...simulation(parts),
      chains,
      rescannable: new Map(followed.map((one) => [one.watcher.chain, one])),
    }),
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

/** A simulated chain as one of the configured: its own node, and final by depth. */
function simulatedAsConfigured(config: Config, source: ChainSource): Watched {
  const rule = { kind: 'depth', confirmations: config.SANDBOX_CONFIRMATIONS } as const;
  return { source, witnesses: [], rule, startBlock: 0, assets: [] };
}

type Watched = Pick<ConfiguredChain, 'source' | 'witnesses' | 'rule' | 'startBlock' | 'assets'>;

function watcherOf(parts: Parts, watched: Watched): Rescannable & { readonly watcher: ChainWatcher } {
  const { config, pool, projections, now, logger, onFatal } = parts;
  const { source, witnesses, rule, startBlock, assets } = watched;
  const { chain } = source;
  const simulated = parts.sandboxes.find((sandbox) => sandbox.chain === chain);
  const deposits = commandHandler(depositDecider, depositEvents, parts.store);
  const deps: WatchDeps = {
    source,
    witnesses: { sources: witnesses, above: witnesses.length === 0 ? {} : config.CHAIN_WITNESSED_FROM },
    cursor: blockCursor(pool, chain),
    watchlist: watchlist((id) => addressesAfter(pool, chain, id)),
    rule,
    pace: steadyPace(),
    startBlock,
    now,
    logger,
    handle: deposits.handle,
    caughtUp: () => projections.caughtUp(),
    depositsAbove: (number: number) => depositsAbove(pool, chain, number),
    depositsSeenUpTo: (number: number) => depositsSeenUpTo(pool, chain, number),
    depositsRevertedInCursor: () => depositsRevertedInCursor(pool, chain),
  };
  const compareBalances = balanceComparison({ ...deps, book: balanceBook(pool, chain, now) });
  const mayStandStill = simulated !== undefined || config.CHAIN_FROZEN_MS === 0;
  let previous: Pass | undefined;
  let again = false;
  const watcher = chainWatcher({
    chain,
    pollMs: config.CHAIN_POLL_MS,
    limits: { frozenMs: mayStandStill ? null : config.CHAIN_FROZEN_MS, lagBlocks: config.CHAIN_LAG_MAX },
    verify: () => source.verify(),
    faults: () => faultsOf(source, assets),
    async pass(onHead) {
      // A simulated chain lives at the pace of its watcher.
      await simulated?.mineUnconfirmed(config.SANDBOX_CONFIRMATIONS);
      const before = again ? undefined : previous;
      [again, previous] = [false, undefined];
      previous = await watchPass(deps, onHead, before);
      if (!previous.more) await compareBalances(previous.tip);
      return previous;
    },
    asOperational,
    now,
    logger,
    onFatal,
  });
  return { watcher, deps, lookAgain: () => void (again = true) };
}

function allocation(
  { config, pool, projections, store, now }: Parts,
  isOff: (chain: string, asset: AssetCode) => boolean,
) {
  const { EVM_XPUB, BITCOIN_XPUB, TRON_XPUB, SOLANA_SEED, UPI_PAYEE } = config;
  const derivers: AddressDeriver[] = [
    ...(EVM_XPUB === undefined ? [] : [evmDeriver(EVM_XPUB)]),
    ...(BITCOIN_XPUB === undefined ? [] : [bitcoinDeriver(BITCOIN_XPUB, config.BITCOIN_NETWORK)]),
    ...(TRON_XPUB === undefined ? [] : [tronDeriver(TRON_XPUB)]),
    ...(SOLANA_SEED === undefined ? [] : [solanaDeriver(SOLANA_SEED)]),
  ];
  return {
    derivers,
    payee: UPI_PAYEE === undefined ? undefined : { address: UPI_PAYEE, name: config.UPI_PAYEE_NAME },
    reservePlace: (family: Network['family'], reference: string) => reservePlace(pool, family, reference),
    isWatched: async (chain: string, asset: AssetCode) =>
      !isOff(chain, asset) && (await blockCursor(pool, chain).tip()) !== undefined,
    async referenceOf(chain: string, address: string) {
      await projections.caughtUp();
      return referenceOfAddress(pool, chain, address);
    },
    paymentPlace: paymentPlaceOf(config),
    ...commandHandler(addressDecider, addressEvents, store),
    now,
  };
}

function simulation({ pool, projections, sandboxes }: Parts) {
  return {
    simulated: new Map(sandboxes.map((chain) => [chain.chain, chain])),
    chainOfAddress: (owner: Parameters<typeof chainOfAddress>[1]) => chainOfAddress(pool, owner),
    caughtUp: () => projections.caughtUp(),
    depositsOf: (references: readonly string[], limit: number) => depositsOf(pool, references, limit),
  };
}
