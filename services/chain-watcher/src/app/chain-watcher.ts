import { setTimeout as wait } from 'node:timers/promises';
import { isOperationalError } from '@daybook/core';
import type { Clock, Component, Logger, OnFatal } from '@daybook/runtime';
import type { BlockReference } from '../domain/reorg';
import type { AssetFault } from './asset-faults';
import { chainAlarm, type AlarmLimits, type ChainAlarm } from '../domain/chain-alarm';
import { ChainRefusedError } from '../ports';
import type { Pass } from './watch-chain';
import { ChainHaltedError } from './watch-deps';

const backOffMsMax = 30_000;

/** What a watcher knows of its chain. Times are of the watcher's clock. */
export type ChainState = {
  readonly head: BlockReference | null;
  /** When the head was last another one: a head that stands still is a frozen node or an idle chain. */
  readonly headChangedAt: string | null;
  /** When a pass last succeeded. */
  readonly updatedAt: string | null;
  /** Why it does not go on; null while it does. */
  readonly error: string | null;
  /** Assets that are not credited, while the chain is followed and the others are. */
  readonly faults: readonly AssetFault[];
  /** It will not try again until the process starts anew. */
  readonly halted: boolean;
  /** Whether somebody has to look; null while nobody has. */
  readonly alarm: ChainAlarm | null;
};

export type ChainWatcher = Component & { readonly chain: string; state(): ChainState };

type WatcherDeps = {
  readonly chain: string;
  readonly pollMs: number;
  readonly limits: AlarmLimits;
  /** Checks the node's identity; again after every failure, because another node may answer then. */
  verify(): Promise<void>;
  /** Which assets are not as they are pinned. Asked with the identity, and for as long as there are some. */
  faults(): Promise<readonly AssetFault[]>;
  pass(onHead: (head: BlockReference) => void): Promise<Pass>;
  /** Turns failures of the database into OperationalErrors. */
  asOperational(error: unknown): unknown;
  readonly now: Clock;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
};

const unseen = { head: null, headChangedAt: null, updatedAt: null, error: null, faults: [], halted: false } as const;

/**
 * Passes over one chain for as long as the service runs: one at a time, the next after the poll interval, at once when
 * there is more to scan, and after a growing pause when the source fails. A chain that may not be believed is left
 * where it is, and the other chains go on.
 */
export function chainWatcher(deps: WatcherDeps): ChainWatcher {
  const { chain, pollMs, logger } = deps;
  const time = () => deps.now().toISOString();
  let state: Omit<ChainState, 'alarm'> = unseen;
  /** As of the last pass that succeeded. */
  let tip: BlockReference | undefined;
  let verified = false;
  let failures = 0;
  let refusal: ChainRefusedError | undefined;
  let stopping: AbortController | undefined;
  let running: Promise<void> | undefined;

  const alarm = alarmOf(deps, () => ({ ...state, tip }));

  const onHead = (head: BlockReference) => {
    const changed = head.number !== state.head?.number || head.hash !== state.head.hash;
    state = { ...state, head, ...(changed ? { headChangedAt: time() } : {}) };
  };

  /** Pause until the next pass; undefined for none. */
  async function attempt(): Promise<number | undefined> {
    try {
      if (!verified) await deps.verify();
      if (!verified || state.faults.length > 0)
        state = { ...state, faults: told(deps, state.faults, await deps.faults()) };
      verified = true;
      const pass = await deps.pass(onHead);
      tip = pass.tip;
      if (failures > 0) logger.info({ chain }, 'the chain is followed again');
      failures = 0;
      state = { ...state, error: null, updatedAt: time() };
      return pass.more ? 0 : pollMs;
    } catch (thrown) {
      return failed(deps.asOperational(thrown));
    }
  }

  function failed(error: unknown): number | undefined {
    verified = false;
    if (error instanceof ChainHaltedError || error instanceof ChainRefusedError) {
      if (error instanceof ChainRefusedError) refusal = error;
      state = { ...state, error: error.message, halted: true };
      logger.error({ chain, error }, 'the chain is halted');
      return undefined;
    }
    if (!isOperationalError(error)) throw error;
    state = { ...state, error: error.message };
    // Once per outage, not once per attempt.
    if (failures++ === 0) logger.warn({ chain, error }, 'the chain cannot be followed');
    return Math.min(backOffMsMax, pollMs * 2 ** Math.min(failures, 16));
  }

  async function run(first: number | undefined, signal: AbortSignal): Promise<void> {
    for (let pauseMs = first; pauseMs !== undefined && !signal.aborted;) {
      await wait(pauseMs, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) pauseMs = await attempt();
      alarm.tell();
    }
  }

  return {
    name: `watcher of ${chain}`,
    chain,
    state: () => ({ ...state, alarm: alarm.now() }),
    /** Tries a first pass, so that a healthy chain has its cursor before anything is served. */
    async start() {
      const first = await attempt();
      // Now it is a setting that does not fit the chain; later it may be another node that answers.
      if (refusal !== undefined) throw refusal;
      stopping = new AbortController();
      running = run(first, stopping.signal).catch(deps.onFatal);
    },
    async stop() {
      stopping?.abort();
      await running;
    },
  };
}

/** Once when it begins and once when it is over, not once per look. */
function told({ chain, logger }: WatcherDeps, before: readonly AssetFault[], faults: readonly AssetFault[]) {
  const namesOf = (of: readonly AssetFault[]) => of.map(({ asset }) => asset).join();
  if (namesOf(before) === namesOf(faults)) return faults;
  if (faults.length > 0) logger.error({ chain, faults }, 'assets of the chain are not credited');
  else logger.info({ chain }, 'all assets of the chain are credited again');
  return faults;
}

type Watched = Omit<ChainState, 'alarm'> & { readonly tip: BlockReference | undefined };

/** The alarm of a chain, told once when it begins and once when it is over. */
function alarmOf(
  { chain, limits, now, logger }: { chain: string; limits: AlarmLimits; now: Clock; logger: Logger },
  watched: () => Watched,
): { now(): ChainAlarm | null; tell(): void } {
  const began = now().getTime();
  let told: ChainAlarm | null = null;
  function current(): ChainAlarm | null {
    const { halted, headChangedAt, head, tip, faults } = watched();
    const changedAt = headChangedAt === null ? began : Date.parse(headChangedAt);
    const lagBlocks = head && tip ? head.number - tip.number : null;
    return chainAlarm({ halted, changedAt, lagBlocks, faults: faults.length }, limits, now().getTime());
  }
  return {
    now: current,
    tell() {
      const alarm = current();
      if (alarm === told) return;
      told = alarm;
      const { head, tip, error } = watched();
      if (alarm === null) logger.info({ chain }, 'the alarm of the chain is over');
      else logger.error({ chain, alarm, head, tip, error }, 'the chain needs somebody');
    },
  };
}
