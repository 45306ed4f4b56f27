import { setTimeout as wait } from 'node:timers/promises';
import { isOperationalError } from '@daybook/core';
import type { Clock, Component, Logger, OnFatal } from '@daybook/runtime';
import type { BlockReference } from '../domain/reorg';
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
  /** It will not try again until the process starts anew. */
  readonly halted: boolean;
};

export type ChainWatcher = Component & { readonly chain: string; state(): ChainState };

/**
 * Passes over one chain for as long as the service runs: one at a time, the next after the poll interval, at once when
 * there is more to scan, and after a growing pause when the source fails. A chain that may not be believed is left
 * where it is, and the other chains go on.
 */
export function chainWatcher(deps: {
  readonly chain: string;
  readonly pollMs: number;
  /** Checks the node's identity; again after every failure, because another node may answer then. */
  verify(): Promise<void>;
  pass(onHead: (head: BlockReference) => void): Promise<Pass>;
  /** Turns failures of the database into OperationalErrors. */
  asOperational(error: unknown): unknown;
  readonly now: Clock;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
}): ChainWatcher {
  const { chain, pollMs, logger } = deps;
  const time = () => deps.now().toISOString();
  let state: ChainState = { head: null, headChangedAt: null, updatedAt: null, error: null, halted: false };
  let verified = false;
  let failures = 0;
  let refusal: ChainRefusedError | undefined;
  let stopping: AbortController | undefined;
  let running: Promise<void> | undefined;

  const onHead = (head: BlockReference) => {
    const changed = head.number !== state.head?.number || head.hash !== state.head.hash;
    state = { ...state, head, ...(changed ? { headChangedAt: time() } : {}) };
  };

  /** Pause until the next pass; undefined for none. */
  async function attempt(): Promise<number | undefined> {
    try {
      if (!verified) await deps.verify();
      verified = true;
      const { more } = await deps.pass(onHead);
      if (failures > 0) logger.info({ chain }, 'the chain is followed again');
      failures = 0;
      state = { ...state, error: null, updatedAt: time() };
      return more ? 0 : pollMs;
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
    }
  }

  return {
    name: `watcher of ${chain}`,
    chain,
    state: () => state,
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
