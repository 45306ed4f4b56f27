/**
 * Consumer: decode, claim in the inbox, offset, effect, one commit. At least once becomes once in effect. A failure is
 * retried, parks its key, or ends the process; a message is never skipped.
 */
import { isOperationalError, type OperationalError } from '@daybook/core';
import { asOperational, type EventStore } from '@daybook/event-store';
import type { Clock, Component, Logger, OnFatal, Registry } from '@daybook/runtime';
import type { Pool } from 'pg';
import { backoffMs, pause } from './backoff';
import { consumerMetrics } from './consumer-metrics';
import { postgresConsumerTables, type ConsumerTables, type Place } from './consumer-tables';
import { handleBatch, parkMessage, type Tally } from './handle-batch';
import type { Subscription } from './message';
import type { RawMessage, Transport } from './transport';
import { takeTurn } from './turns';
import { causeOf, verdictOn } from './verdict';
import { createWatchdog, stallMsDefault } from './watchdog';

export type ConsumerDeps = {
  /** Of the service's schema, with the tables of `messagingMigrations`. */
  readonly pool: Pool;
  readonly transport: Transport;
  /** Where handlers append, if that is elsewhere than in the pool's database. */
  readonly store?: Pick<EventStore, 'tail'>;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly onFatal: OnFatal;
  /** Dates what is parked. */
  readonly now: Clock;
  /** Postgres unless a simulation brings its own. */
  readonly tables?: ConsumerTables;
  /** Lag without a sign of life for so long is fatal. */
  readonly stallMs?: number;
};

type Deps = ConsumerDeps & { readonly tables: ConsumerTables };

export type Consumer = Component & {
  /** Resolves when everything published before the call is handled or parked. Rejects when stopped before. */
  caughtUp(): Promise<void>;
};

const batchMax = 100;
const attemptsMax = 5;
const attemptBackoff = { firstMs: 50, maxMs: 1_000 };
const caughtUpPollMs = 20;

export function createConsumer(given: ConsumerDeps, subscription: Subscription): Consumer {
  const deps: Deps = { tables: postgresConsumerTables, ...given };
  const { pool, transport, tables } = deps;
  const { group, topic } = subscription;
  const watchdog = createWatchdog({ ...deps, stallMs: deps.stallMs ?? stallMsDefault }, subscription);
  let running: { readonly stopping: AbortController; stop(): Promise<void> } | undefined;

  return {
    name: `consumer ${group} of ${topic}`,
    async start() {
      const stopping = new AbortController();
      const { stop } = await transport.consume({
        group,
        topic,
        startAt: (partition) => startAt(deps, subscription, partition),
        handle: (messages) => handleAll(deps, subscription, messages, stopping.signal),
      });
      watchdog.start();
      running = { stopping, stop };
    },
    async stop() {
      const ending = running;
      running = undefined;
      watchdog.stop();
      ending?.stopping.abort();
      await ending?.stop();
    },
    async caughtUp() {
      const ends = await transport.ends(topic);
      for (;;) {
        const progress = await tables.readProgress(pool, subscription);
        if ([...ends].every(([partition, end]) => (progress.get(partition)?.next ?? 0n) >= end)) return;
        if (!running) throw new Error(`consumer ${group} of ${topic} is not running`);
        await pause(caughtUpPollMs, running.stopping.signal);
      }
    },
  };
}

/**
 * The stored place. A log that ends before it was emptied and begins again: start over, the inbox knows what was
 * handled.
 */
async function startAt(deps: Deps, subscription: Subscription, partition: number): Promise<bigint> {
  const { group, topic } = subscription;
  const stored = (await deps.tables.readProgress(deps.pool, subscription)).get(partition)?.next ?? 0n;
  if (stored === 0n) return stored;
  const end = (await deps.transport.ends(topic)).get(partition) ?? 0n;
  // From the message before the place: it shows whether this is still the log that the place is in.
  if (stored <= end) return stored - 1n;
  deps.logger.warn({ group, topic, partition, stored, end }, 'the topic begins again; starting over');
  await deps.tables.rewindOffset(deps.pool, { group, topic, partition }, end);
  return 0n;
}

async function handleAll(
  deps: Deps,
  subscription: Subscription,
  messages: readonly RawMessage[],
  stopping: AbortSignal,
): Promise<void> {
  for (let from = 0; from < messages.length && !stopping.aborted; from += batchMax) {
    const batch = messages.slice(from, from + batchMax);
    try {
      await apply(deps, subscription, batch);
    } catch (error) {
      if (!mayBeOnes(error, batch, subscription)) await noteFailure(deps, subscription, batch, error);
      // Alone, each message has its own outcome; those before the one at fault, or that waits, commit.
      for (const message of batch) await handleOne(deps, subscription, message, stopping);
    }
  }
  if (stopping.aborted) throw new Error('stopping');
}

/** Whether others of the batch may go on where one has to wait. Without a store none does, and asking again only takes time. */
function mayBeOnes(error: unknown, batch: readonly RawMessage[], { group }: Subscription): boolean {
  if (batch.length === 1 || verdictOn(error, group) !== 'wait') return false;
  const failed = asOperational(error);
  return !isOperationalError(failed) || failed.code !== 'store_unavailable';
}

async function handleOne(
  deps: Deps,
  subscription: Subscription,
  message: RawMessage,
  stopping: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    if (stopping.aborted) throw new Error('stopping');
    try {
      return await apply(deps, subscription, [message]);
    } catch (error) {
      const verdict = verdictOn(error, subscription.group);
      if (verdict === 'park' || (verdict === 'again' && attempt >= attemptsMax)) {
        return parkOne(deps, subscription, message, error);
      }
      await noteFailure(deps, subscription, [message], error);
      await pause(backoffMs(attempt, attemptBackoff), stopping);
    }
  }
}

async function apply(
  { pool, metrics, now, tables }: Deps,
  subscription: Subscription,
  messages: readonly RawMessage[],
): Promise<void> {
  const { group, topic } = subscription;
  const tally = await takeTurn(pool, () => handleBatch(pool, subscription, messages, now, tables));
  const counts = consumerMetrics(metrics).messages;
  for (const outcome of Object.keys(tally) as (keyof Tally)[]) {
    if (tally[outcome] > 0) counts.inc({ group, topic, outcome }, tally[outcome]);
  }
}

async function parkOne(
  { pool, metrics, logger, now, tables }: Deps,
  { group, topic }: Subscription,
  message: RawMessage,
  error: unknown,
): Promise<void> {
  const reason = { at: now(), cause: causeOf(error) };
  await takeTurn(pool, () => parkMessage(pool, group, message, reason, tables));
  consumerMetrics(metrics).messages.inc({ group, topic, outcome: 'parked' });
  const { partition, offset, key } = message;
  logger.error({ error, group, topic, partition, offset: String(offset), key }, 'message parked, and its key with it');
}

/** Passes on what waiting or ending the process must settle; other failures are the message's own. */
async function noteFailure(
  deps: Deps,
  subscription: Subscription,
  messages: readonly RawMessage[],
  error: unknown,
): Promise<void> {
  const { group, topic } = subscription;
  const verdict = verdictOn(error, group);
  if (verdict === 'crash') {
    deps.onFatal(error);
    throw error;
  }
  consumerMetrics(deps.metrics).retries.inc({ group, topic });
  const partition = messages[0]?.partition ?? 0;
  await deps.tables.touchOffset(deps.pool, { group, topic, partition }).catch(() => undefined);
  if (isOperationalError(error)) await noteLoss(deps, { group, topic, partition }, error);
  if (verdict === 'wait') throw error;
  if (isOperationalError(error)) deps.logger.warn({ error, group, topic, partition }, 'attempt failed');
}

/** The log is not what it was. One that begins again is read again, and the inbox knows what was handled. */
async function noteLoss(deps: Deps, place: Place, error: OperationalError): Promise<void> {
  if (error.code === 'messages_missing')
    deps.logger.error({ error, ...place }, 'messages are missing; publish them again');
  if (error.code !== 'topic_begins_again') return;
  deps.logger.warn({ error, ...place }, 'the topic begins again; starting over');
  await deps.tables.rewindOffset(deps.pool, place, 0n);
}
