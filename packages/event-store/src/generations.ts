/**
 * Read models in generations of tables: follows the live one and, when this build makes other tables than the live one
 * has and may take its place, builds its own beside it and switches. Meanwhile the old one is moved by the processes of
 * the build that made it; this build shows it as they leave it.
 */
import { assert, isOperationalError, OperationalError } from '@daybook/core';
import type { Logger, OnFatal } from '@daybook/runtime';
import { setTimeout as delay } from 'node:timers/promises';
import { Retired } from './batches';
import {
  buildGeneration,
  type BuildDeps,
  type BuildOptions,
  type BuildReport,
  type Succession,
} from './generation-build';
import { maySucceed, stayPresent } from './generation-succession';
import { dropOrLeave, ensureLive, liveGeneration, retiredFor, type Generation } from './generation-tables';
import type { EventStore, Position } from './event-store';
import type { Projections } from './projections';
import { versionsOf } from './table-projections';
import { createTableProjections } from './table-runner';
import type { Pool } from 'pg';

export type Generations = Projections & {
  /**
   * A generation anew from the log; once it has switched, this follows it. Throws OperationalError, not to be tried again,
   * when it is to switch while another build's is live.
   */
  rebuild<Found = undefined>(options: BuildOptions<Found>): Promise<BuildReport<Found>>;
};

export type GenerationsOptions<Event extends { readonly type: string }> = BuildDeps<Event> & {
  readonly onFatal: OnFatal;
  readonly batchSize?: number;
  /** For builds, and for one connection for as long as this runs, so that they take none that requests wait for. */
  readonly buildPool?: Pool;
  /** How long a generation that was replaced is kept. */
  readonly keepOldMs?: number;
  /** For how long reads wait until another generation is followed. Less than the default in tests only. */
  readonly followMaxMs?: number;
};

const keepOldMsDefault = 10 * 60_000;
const sweepMs = 60_000;
const retryMs = 1_000;
/** While this build's tables are live. */
const lookMs = 5_000;
/** As long as for what a follower has not applied yet. */
const followMaxMsDefault = 30_000;

export function createGenerations<Event extends { readonly type: string }>(
  options: GenerationsOptions<Event>,
): Generations {
  const { pool, logger, onFatal, buildPool = pool } = options;
  const versions = versionsOf(options.projections);
  const following = createFollowing(options, versions);
  let run: { readonly stopping: AbortController; readonly work: readonly Promise<unknown>[] } | undefined;

  const build = async <Found>(how: BuildOptions<Found> & Succession): Promise<BuildReport<Found>> => {
    const report = await buildGeneration({ ...options, pool: buildPool }, how);
    await following.replace();
    return report;
  };
  return {
    name: `generations of ${options.schema}`,
    async start() {
      assert(run === undefined, 'the generations are running already');
      const stopping = new AbortController();
      const { signal } = stopping;
      try {
        const { ended } = await stayPresent({ pool: buildPool, versions, signal, logger, onFatal });
        await following.start(await ensureLive(pool, options), signal);
        const upgrading = upgrade({ pool, versions, build, follow: following.lookAt, signal, logger, onFatal });
        run = { stopping, work: [ended, upgrading, sweep(options, signal)] };
      } catch (error) {
        stopping.abort();
        throw error;
      }
    },
    async stop() {
      const ending = run;
      run = undefined;
      ending?.stopping.abort();
      await Promise.allSettled(ending?.work ?? []);
      await following.stop();
    },
    rebuild: (how) => build({ ...how, succeeds: false }),
    caughtUp: following.caughtUp,
  };
}

/** Whoever follows the live generation at the time. */
function createFollowing<Event extends { readonly type: string }>(
  options: GenerationsOptions<Event>,
  versions: string,
) {
  const { pool, logger, onFatal, followMaxMs = followMaxMsDefault } = options;
  let current: Follower | undefined;
  /** One replacement at a time. */
  let changing: Promise<void> = Promise.resolve();
  let stopping: AbortSignal | undefined;

  const follow = async (live: Generation | undefined): Promise<void> => {
    await current?.stop();
    for (let next = live; ; next = await liveGeneration(pool)) {
      assert(next, 'no generation is live');
      const replaced = () => void replace();
      current = next.versions === versions ? runner(options, next, replaced) : onlooker(options, next, replaced);
      try {
        return await current.start();
      } catch (error) {
        // It follows nothing; whoever tries again is to begin anew.
        current = undefined;
        // Replaced a moment ago.
        if (!(error instanceof Retired)) throw error;
      }
    }
  };
  const replaceOnce = async (): Promise<void> => {
    while (stopping?.aborted === false) {
      try {
        const live = await liveGeneration(pool);
        if (live?.number !== current?.generation) await follow(live);
        return;
      } catch (error) {
        if (!isOperationalError(error)) return onFatal(error);
        logger.warn({ error }, 'following the live read models will be tried again');
        await delay(retryMs, undefined, { signal: stopping }).catch(() => undefined);
      }
    }
  };
  /** Follows what is live by now. */
  const replace = (): Promise<void> => (changing = changing.then(replaceOnce));
  return {
    replace,
    /** Reads wait for a replacement, and so it is begun only where another one is live. */
    async lookAt(live: Generation | undefined): Promise<void> {
      if (live?.number !== current?.generation) await replace();
    },
    async start(live: Generation, signal: AbortSignal) {
      stopping = signal;
      await follow(live);
    },
    async stop() {
      await changing;
      await current?.stop();
      current = undefined;
    },
    async caughtUp(): Promise<void> {
      for (;;) {
        await inTime(changing, followMaxMs);
        const follower = current;
        if (follower === undefined) throw notRunning();
        try {
          return await follower.caughtUp();
        } catch (error) {
          await inTime(changing, followMaxMs);
          // Another one shows the tables now, and shows at least what this one did.
          if (current === follower) throw error;
        }
      }
    },
  };
}

/** Throws OperationalError `store_unavailable` when it takes longer. */
async function inTime(change: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(notRunning()), milliseconds);
  });
  await Promise.race([change, late]).finally(() => clearTimeout(timer));
}

type Follower = Projections & { readonly generation: number };

function runner<Event extends { readonly type: string }>(
  options: GenerationsOptions<Event>,
  { number, checkpoint }: Generation,
  retired: () => void,
): Follower {
  const { pool, store, codec, projections, logger, onFatal, batchSize } = options;
  const following = createTableProjections({
    pool,
    store,
    codec,
    projections,
    logger,
    onFatal,
    retired,
    ...(batchSize === undefined ? {} : { batchSize }),
    name: checkpoint,
    schema: checkpoint,
  });
  return { ...following, generation: number };
}

const onlookMs = 50;
const onlookMaxMs = 30_000;

/** Of a generation that this build cannot move: waits until those who can have done so, or show another one. */
function onlooker(
  { pool, store }: { readonly pool: Pool; readonly store: EventStore },
  live: Generation,
  replaced: () => void,
): Follower {
  const stopping = new AbortController();
  return {
    generation: live.number,
    name: `onlooker of ${live.checkpoint}`,
    start: async () => undefined,
    stop: async () => stopping.abort(),
    async caughtUp() {
      const target = await store.tail();
      for (const end = performance.now() + onlookMaxMs; performance.now() < end && !stopping.signal.aborted;) {
        const { rows } = await pool.query<{ position: Position; version: string }>(
          'select position, version from subscriptions where name = $1',
          [live.checkpoint],
        );
        const [row] = rows;
        if (row?.version !== live.versions) {
          replaced();
          break;
        }
        if (store.compare(row.position, target) >= 0) return;
        await delay(onlookMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
      throw notRunning();
    },
  };
}

function notRunning(): OperationalError {
  return new OperationalError('store_unavailable', true, { detail: 'the read models are being built' });
}

type Upgrading = {
  readonly pool: Pool;
  readonly versions: string;
  build(how: BuildOptions & Succession): Promise<BuildReport>;
  /** Follows what is live by now, unless that is this one and followed already. */
  follow(live: Generation | undefined): Promise<void>;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
};

/** A process whose connection broke is seen again after a moment. */
const looksAlone = 5;

/** Makes this build's tables the live ones whenever they are not and may be. */
async function upgrade({ pool, versions, build, follow, signal, logger, onFatal }: Upgrading): Promise<void> {
  /** How often nobody of the live build must be there, before this one takes its place. */
  let looks = 1;
  while (!signal.aborted) {
    let pauseMs = retryMs;
    try {
      const live = await liveGeneration(pool);
      await follow(live);
      if (live === undefined || live.versions === versions) [pauseMs, looks] = [lookMs, looksAlone];
      else if (!(await maySucceed(pool, live, versions))) {
        logger.debug({ generation: live.number }, 'the read models of another build stay live');
        looks = looksAlone;
      } else if (--looks <= 0) {
        const { generation } = await build({ signal, switch: 'always', succeeds: true });
        logger.info({ generation }, 'the read models of this build are live');
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isOperationalError(error)) return onFatal(error);
      logger.warn({ error }, 'the read models will be built on');
    }
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Drops what was replaced long ago, and what was given up. */
async function sweep(
  {
    pool,
    schema,
    logger,
    keepOldMs = keepOldMsDefault,
  }: Pick<GenerationsOptions<never>, 'pool' | 'schema' | 'logger' | 'keepOldMs'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const numbers = await retiredFor(pool, keepOldMs).catch((error: unknown) => {
      logger.warn({ error }, 'old read models could not be dropped');
      return [];
    });
    // One that cannot go holds up no other.
    for (const number of numbers) await dropOrLeave({ pool, schema, logger }, number);
    await delay(sweepMs, undefined, { signal }).catch(() => undefined);
  }
}
