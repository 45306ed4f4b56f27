/** The statements of `consumer_offsets`, `inbox` and `parked_messages`, all inside the transaction of the effects. */
import { asOperational, prepared, type MigrationSource, type Tx } from '@daybook/event-store';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { typeOf } from './message';
import type { RawMessage } from './transport';

/** For the schema of every service that consumes. */
export const messagingMigrations: MigrationSource = {
  name: 'messaging',
  directory: join(__dirname, '../migrations/service'),
};

export type Place = { readonly group: string; readonly topic: string; readonly partition: number };

/** Locks the place until the transaction ends: a member that lost its partition cannot write beside its successor. */
async function lockOffset(tx: Tx, place: Place): Promise<bigint> {
  const values = [place.group, place.topic, place.partition];
  const select = `select next_offset from consumer_offsets
                  where group_name = $1 and topic = $2 and partition = $3 for update`;
  const { rows } = await tx.query<{ next_offset: string }>(prepared(select, values));
  if (rows[0]) return BigInt(rows[0].next_offset);
  await tx.query(
    `insert into consumer_offsets (group_name, topic, partition) values ($1, $2, $3) on conflict do nothing`,
    values,
  );
  const created = await tx.query<{ next_offset: string }>(select, values);
  return BigInt(created.rows[0]?.next_offset ?? 0);
}

/** `last` tells the message before `next` from any other. */
async function moveOffset(tx: Tx, place: Place, next: bigint, last?: string): Promise<void> {
  await tx.query(
    prepared(
      `update consumer_offsets set next_offset = $4, last_message = $5, alive_at = clock_timestamp()
     where group_name = $1 and topic = $2 and partition = $3`,
      [place.group, place.topic, place.partition, next, last ?? null],
    ),
  );
}

/**
 * As `lockOffset` and `moveOffset` for messages without an effect: in one statement, which changes nothing unless the
 * place is at `from` and none of the keys is parked. Whether it has moved.
 */
async function passOver(
  pool: Pool,
  place: Place,
  { from, next, last, keys }: { from: bigint; next: bigint; last: string; keys: readonly string[] },
): Promise<boolean> {
  const text = `update consumer_offsets set next_offset = $5, last_message = $6, alive_at = clock_timestamp()
     where group_name = $1 and topic = $2 and partition = $3 and next_offset = $4
       and not exists (select from parked_messages where group_name = $1 and topic = $2 and key = any($7))`;
  const values = [place.group, place.topic, place.partition, from, next, last, [...new Set(keys)]];
  try {
    return (await pool.query(prepared(text, values))).rowCount === 1;
  } catch (error) {
    throw asOperational(error);
  }
}

/** What was said of the message before the place, if anything was. */
async function lastMessage(tx: Tx, place: Place): Promise<string | null> {
  const { rows } = await tx.query<{ last_message: string | null }>(
    `select last_message from consumer_offsets where group_name = $1 and topic = $2 and partition = $3`,
    [place.group, place.topic, place.partition],
  );
  return rows[0]?.last_message ?? null;
}

/** Back to the beginning, for a log that begins again and ends at `end`. */
async function rewindOffset(pool: Pool, place: Place, end: bigint): Promise<void> {
  await pool.query(
    `update consumer_offsets set next_offset = 0, last_message = null
     where group_name = $1 and topic = $2 and partition = $3 and next_offset > $4`,
    [place.group, place.topic, place.partition, end],
  );
}

/** Shows that a partition which does not advance is being retried, also one whose first message is. */
async function touchOffset(pool: Pool, place: Place): Promise<void> {
  await pool.query(
    `insert into consumer_offsets (group_name, topic, partition) values ($1, $2, $3)
     on conflict (group_name, topic, partition) do update set alive_at = clock_timestamp()`,
    [place.group, place.topic, place.partition],
  );
}

export type Progress = { readonly next: bigint; readonly aliveAt: string };

/** By partition; one that the group has never been in is absent. */
async function readProgress(
  pool: Pool,
  { group, topic }: { readonly group: string; readonly topic: string },
): Promise<ReadonlyMap<number, Progress>> {
  const { rows } = await pool.query<{ partition: number; next_offset: string; alive_at: string }>(
    `select partition, next_offset, alive_at::text from consumer_offsets where group_name = $1 and topic = $2`,
    [group, topic],
  );
  return new Map(rows.map((row) => [row.partition, { next: BigInt(row.next_offset), aliveAt: row.alive_at }]));
}

/** The ids that this group has not handled yet. From here on, within this transaction, it has. */
async function claim(tx: Tx, group: string, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { rows } = await tx.query<{ message_id: string }>(
    prepared(
      `insert into inbox (group_name, message_id) select $1, id from unnest($2::uuid[]) as id
     on conflict do nothing returning message_id`,
      [group, ids],
    ),
  );
  return new Set(rows.map((row) => row.message_id));
}

/**
 * Which of the keys are parked. Locks the last message of each against `redrive`: either it is still parked when this
 * transaction commits, or it is not seen here.
 */
async function parkedKeys(tx: Tx, place: Place, keys: readonly string[]): Promise<Set<string>> {
  const { rows } = await tx.query<{ key: string }>(
    prepared(
      `select key from parked_messages p
     where group_name = $1 and topic = $2 and key = any($3)
       and parked_id = (select max(parked_id) from parked_messages q
                        where q.group_name = p.group_name and q.topic = p.topic and q.key = p.key)
     for share`,
      [place.group, place.topic, [...new Set(keys)]],
    ),
  );
  return new Set(rows.map((row) => row.key));
}

/**
 * Keeps the message as it came, once: another one may have had its offset before the topic was made anew. Without a cause
 * it waits behind an earlier one of its key.
 */
async function park(
  tx: Tx,
  group: string,
  message: RawMessage,
  reason: { readonly at: Date; readonly cause: string | null },
): Promise<void> {
  await tx.query(
    `insert into parked_messages (group_name, topic, partition, "offset", key, type, value, headers, cause, parked_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing`,
    [
      group,
      message.topic,
      message.partition,
      message.offset,
      message.key,
      typeOf(message.value),
      message.value,
      JSON.stringify(message.headers),
      reason.cause,
      reason.at,
    ],
  );
}

async function countParked(pool: Pool, group: string, topic: string): Promise<number> {
  const { rows } = await pool.query<{ parked: number }>(
    `select count(*)::int as parked from parked_messages where group_name = $1 and topic = $2`,
    [group, topic],
  );
  return rows[0]?.parked ?? 0;
}

/**
 * Port: what a consumer keeps, in the transactions of its effects. Adapters: Postgres, the tables of a simulation.
 */
export type ConsumerTables = {
  readonly lockOffset: typeof lockOffset;
  readonly moveOffset: typeof moveOffset;
  readonly lastMessage?: typeof lastMessage;
  readonly passOver?: typeof passOver;
  readonly rewindOffset: typeof rewindOffset;
  readonly touchOffset: typeof touchOffset;
  readonly readProgress: typeof readProgress;
  readonly claim: typeof claim;
  readonly parkedKeys: typeof parkedKeys;
  readonly park: typeof park;
  readonly countParked: typeof countParked;
};

export const postgresConsumerTables: ConsumerTables = {
  lockOffset,
  moveOffset,
  lastMessage,
  passOver,
  rewindOffset,
  touchOffset,
  readProgress,
  claim,
  parkedKeys,
  park,
  countParked,
};
