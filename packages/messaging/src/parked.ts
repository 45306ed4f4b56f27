/**
 * Parked messages: what is aside, and how a key comes back. Redrive handles a key's messages in their order, each in
 * its own transaction; when the last one is gone, the consumer goes on with the key.
 */
import { inTransaction } from '@daybook/event-store';
import type { Logger, OnFatal, Registry } from '@daybook/runtime';
import type { Pool } from 'pg';
import { consumerMetrics } from './consumer-metrics';
import { applyOne } from './handle-batch';
import type { Subscription } from './message';
import type { RawMessage } from './transport';
import { takeTurn } from './turns';
import { causeOf, verdictOn } from './verdict';

export type ParkedKey = {
  readonly group: string;
  readonly topic: string;
  readonly key: string;
  readonly messages: number;
  /** Why its first message is parked. */
  readonly cause: string | null;
  readonly since: string;
  /** Of its messages; one that could not be read has none. */
  readonly types: readonly string[];
};

export type ParkedFilter = {
  readonly group?: string | undefined;
  readonly topic?: string | undefined;
  readonly key?: string | undefined;
};

/** One row a key, oldest first. */
export async function listParked(pool: Pool, filter: ParkedFilter = {}, limit?: number): Promise<readonly ParkedKey[]> {
  const { rows } = await pool.query<Omit<ParkedKey, 'since'> & { since: Date }>(
    `select group_name as group, topic, key, count(*)::int as messages,
            (array_agg(cause order by parked_id))[1] as cause, min(parked_at) as since,
            coalesce(array_agg(distinct type) filter (where type is not null), '{}') as types
     from parked_messages
     where ($1::text is null or group_name = $1) and ($2::text is null or topic = $2) and ($3::text is null or key = $3)
     group by group_name, topic, key order by min(parked_id) limit $4`,
    [filter.group ?? null, filter.topic ?? null, filter.key ?? null, limit ?? null],
  );
  return rows.map((row) => ({ ...row, since: row.since.toISOString() }));
}

export type RedriveDeps = {
  /** The one of the consumers: a message is handled with a connection held, as they do. */
  readonly pool: Pool;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly onFatal: OnFatal;
  /** Those of the service; the ones of the group are used. */
  readonly subscriptions: readonly Subscription[];
};

/**
 * Redrives one key of the group, or all, for as long as `goOn` says. A message that fails again stays, and so do those
 * behind it. Safe beside the consumer and beside another redrive: whoever handles the first message of a key holds it
 * until that is committed, and the others wait for it.
 */
export async function redrive(
  deps: RedriveDeps,
  filter: { readonly group: string; readonly key?: string },
  goOn: () => boolean = () => true,
): Promise<{ readonly handled: number; readonly stillParked: number }> {
  let handled = 0;
  for (const parked of await listParked(deps.pool, filter)) {
    const subscription = deps.subscriptions.find(
      ({ group, topic }) => group === parked.group && topic === parked.topic,
    );
    if (!subscription) {
      deps.logger.warn({ group: parked.group, topic: parked.topic }, 'parked for a subscription that is no more');
      continue;
    }
    while (goOn() && (await redriveFirst(deps, subscription, parked.key))) handled += 1;
  }
  const left = await listParked(deps.pool, filter);
  return { handled, stillParked: left.reduce((sum, { messages }) => sum + messages, 0) };
}

type Row = Omit<RawMessage, 'offset'> & { readonly offset: string; readonly parked_id: string };

/** True when the key's first message was handled and there may be another. */
async function redriveFirst(deps: RedriveDeps, subscription: Subscription, key: string): Promise<boolean> {
  const { group, topic } = subscription;
  let failing: string | undefined;
  try {
    const done = await takeTurn(deps.pool, () =>
      inTransaction(deps.pool, async (tx) => {
        const { rows } = await tx.query<Row>(
          `select parked_id, topic, partition, "offset", key, value, headers from parked_messages
           where group_name = $1 and topic = $2 and key = $3 order by parked_id limit 1 for update`,
          [group, topic, key],
        );
        const row = rows[0];
        if (!row) return false;
        failing = row.parked_id;
        await applyOne(tx, subscription, { ...row, offset: BigInt(row.offset) });
        await tx.query(`delete from parked_messages where parked_id = $1`, [row.parked_id]);
        return true;
      }),
    );
    if (done) consumerMetrics(deps.metrics).messages.inc({ group, topic, outcome: 'redriven' });
    return done;
  } catch (error) {
    // The world failed: the operator repeats the redrive. Otherwise the message stays, with its newest cause.
    const verdict = verdictOn(error, group);
    if (verdict === 'crash') deps.onFatal(error);
    if (verdict === 'crash' || verdict === 'wait' || failing === undefined) throw error;
    deps.logger.warn({ error, group, topic, key }, 'redriven message failed again');
    await deps.pool.query(`update parked_messages set cause = $2, redrives = redrives + 1 where parked_id = $1`, [
      failing,
      causeOf(error),
    ]);
    return false;
  }
}
