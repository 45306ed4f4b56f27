import { AssertionError } from '@daybook/core';
import type { Pool } from 'pg';
import type { Tx } from './database';
import { start, type Position, type StoredEvent } from './event-store';
import { asOperational } from './operational';

/** How far a subscription is, and the running proof of what it applied. */
export type Checkpoint = {
  readonly position: Position;
  readonly count: bigint;
  /** Exclusive or of the ids applied, as 32 hexadecimal digits. */
  readonly hash: string;
};

type CheckpointRow = { version: string; position: string; applied_count: string; applied_hash: string };

const columns = 'version, position, applied_count, applied_hash::text as applied_hash';

/** Reads the checkpoint, creating it at the start of the log. Refuses one that another version has moved. */
export async function openCheckpoint(pool: Pool, name: string, version: string): Promise<Checkpoint> {
  try {
    await pool.query(
      `insert into subscriptions (name, version, position) values ($1, $2, $3) on conflict (name) do nothing`,
      [name, version, start],
    );
    const { rows } = await pool.query<CheckpointRow>(`select ${columns} from subscriptions where name = $1`, [name]);
    const row = rows[0];
    if (row?.version !== version) {
      throw new AssertionError(
        `subscription ${name} stands at version "${row?.version}", this build has "${version}": rebuild it or run the build that fits`,
      );
    }
    return checkpointOf(row);
  } catch (error) {
    throw asOperational(error);
  }
}

/**
 * Whether this runner may work now, and the checkpoint as it is then: one at a time may, until its transaction ends.
 * Takes no row lock: a transaction that has written nothing holds back no reader of the log.
 */
export async function claimCheckpoint(tx: Tx, name: string): Promise<{ claimed: boolean; current: Checkpoint }> {
  const lock = await tx.query<{ claimed: boolean }>({
    name: 'claim_checkpoint',
    text: `select pg_try_advisory_xact_lock(hashtextextended('subscription ' || current_schema() || ' ' || $1::text, 0)) as claimed`,
    values: [name],
  });
  // NOTE: A statement of its own. In the claiming one the snapshot is older than the claim, and shows a stale place.
  const { rows } = await tx.query<CheckpointRow>({
    name: 'read_checkpoint',
    text: `select ${columns} from subscriptions where name = $1`,
    values: [name],
  });
  const row = rows[0];
  if (!row) throw new AssertionError(`subscription ${name} has lost its row`);
  return { claimed: lock.rows[0]?.claimed === true, current: checkpointOf(row) };
}

/** Compare-and-set. False when another runner has moved the checkpoint: the transaction must not commit. */
export async function moveCheckpoint(tx: Tx, name: string, from: Checkpoint, to: Checkpoint): Promise<boolean> {
  const moved = await tx.query({
    name: 'move_checkpoint',
    text: `update subscriptions
              set position = $2, applied_count = $3, applied_hash = ('x' || $4::text)::bit(128), updated_at = clock_timestamp()
            where name = $1 and position = $5 and applied_count = $6`,
    values: [name, to.position, to.count, to.hash, from.position, from.count],
  });
  return moved.rowCount === 1;
}

export function advance(from: Checkpoint, events: readonly StoredEvent[]): Checkpoint {
  let hash = BigInt(`0x${from.hash}`);
  for (const { id } of events) hash ^= BigInt(`0x${id.replaceAll('-', '')}`);
  return {
    position: events.at(-1)?.position ?? from.position,
    count: from.count + BigInt(events.length),
    hash: hash.toString(16).padStart(32, '0'),
  };
}

function checkpointOf(row: CheckpointRow): Checkpoint {
  return {
    position: row.position as Position,
    count: BigInt(row.applied_count),
    hash: BigInt(`0b${row.applied_hash}`).toString(16).padStart(32, '0'),
  };
}
