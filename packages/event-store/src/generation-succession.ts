/**
 * Which build's read models are live while processes of several builds run.
 *
 *   a build that has not been live yet   takes the place of another at once: it is the next release
 *   one that was live and was replaced   takes it back when no process of the live one is left: that is a rollback
 *
 * So two builds side by side do not take turns, and whichever is left alone comes to be live.
 */
import { isOperationalError, OperationalError } from '@daybook/core';
import type { Logger, OnFatal } from '@daybook/runtime';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Tx } from './database';
import { lockKey, withSessionLock } from './session-lock';

/** A generation, as far as it matters whose it is. */
type Whose = { readonly number: number; readonly versions: string };

const presenceOf = (versions: string) => `projection followers of ${versions}`;

/** Whether a build of `versions` may take the place of the live generation of another. */
export async function maySucceed(db: Pool | Tx, live: Whose, versions: string): Promise<boolean> {
  // In a transaction nobody of that build comes until it ends.
  const { rows } = await db.query<{ may: boolean }>(
    `select case when exists (select from projection_generations where versions = $2 and live_at is not null)
       then pg_try_advisory_xact_lock(${lockKey}) else true end as may`,
    [presenceOf(live.versions), versions],
  );
  return rows[0]?.may === true;
}

/** Throws OperationalError, not to be tried again, when another build's generation is live and is to stay. */
export async function checkSuccession(
  db: Pool | Tx,
  live: Whose,
  { versions, succeeds }: { readonly versions: string; readonly succeeds: boolean },
): Promise<void> {
  if (live.versions === versions) return;
  if (succeeds && (await maySucceed(db, live, versions))) return;
  const detail = `generation ${live.number} of another build is live (${live.versions})`;
  throw new OperationalError('store_unavailable', false, { detail });
}

type Presence = {
  readonly pool: Pool;
  readonly versions: string;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
};

const retryMs = 1_000;

/** Until the signal: other builds see that a process of this one runs. Resolves when they do; takes one connection. */
export async function stayPresent(presence: Presence): Promise<{ readonly ended: Promise<void> }> {
  const { taken, lost } = takePresence(presence);
  await Promise.race([taken, lost]);
  return { ended: takeAgain(presence, lost) };
}

function takePresence({ pool, versions, signal }: Presence) {
  let isTaken!: () => void;
  const taken = new Promise<void>((resolve) => (isTaken = resolve));
  const lost = withSessionLock(pool, { name: presenceOf(versions), shared: true }, async (broken) => {
    isTaken();
    await aborted(AbortSignal.any([signal, broken]));
    if (!signal.aborted) broken.throwIfAborted();
  });
  return { taken, lost };
}

async function takeAgain(presence: Presence, held: Promise<unknown>): Promise<void> {
  const { signal, logger, onFatal } = presence;
  for (let lost = held; ; lost = takePresence(presence).lost) {
    try {
      await lost;
      return;
    } catch (error) {
      if (!isOperationalError(error)) return onFatal(error);
      logger.warn({ error }, 'other builds of the read models do not see this one');
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
