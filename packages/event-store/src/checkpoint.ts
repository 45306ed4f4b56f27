import { AssertionError } from '@daybook/core';
import type { Pool } from 'pg';
import { queryAll, type Tx } from './database';
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

/** Reads the checkpoint, creating it at the start of the log, and the version that it stands at. */
export async function openCheckpoint(
  pool: Pool,
  name: string,
  version: string,
): Promise<Checkpoint & { readonly version: string }> {
  try {
    await pool.query(
      `insert into subscriptions (name, version, position) values ($1, $2, $3) on conflict (name) do nothing`,
      [name, version, start],
    );
    const { rows } = await pool.query<CheckpointRow>(`select ${columns} from subscriptions where name = $1`, [name]);
    const row = rows[0];
    if (!row) throw new AssertionError(`subscription ${name} has lost its row`);
    return { ...checkpointOf(row), version: row.version };
  } catch (error) {
    throw asOperational(error);
  }
}

/**
 * Whether this runner may work now, and the checkpoint as it is then: one at a time may, until its transaction ends.
 * Takes no row lock: a transaction that has written nothing holds back no reader of the log.
 */
export async function claimCheckpoint(
  tx: Tx,
  name: string,
): Promise<{ readonly claimed: boolean; readonly current: Checkpoint; readonly version: string }> {
  // NOTE: Two statements. In the claiming one the snapshot is older than the claim, and shows a stale place.
  const [lock, read] = await queryAll(tx, [
    {
      text: `select pg_try_advisory_xact_lock(hashtextextended('subscription ' || current_schema() || ' ' || $1::text, 0)) as claimed`,
      values: [name],
    },
    { text: `select ${columns} from subscriptions where name = $1`, values: [name] },
  ]);
  const row = read?.rows[0] as CheckpointRow | undefined;
  if (!row) throw new AssertionError(`subscription ${name} has lost its row`);
  const claim = lock?.rows[0] as { claimed: boolean } | undefined;
  return { claimed: claim?.claimed === true, current: checkpointOf(row), version: row.version };
}

/**
 * Back to the start of the log: all of it is applied again. Waits for a batch in hand, and holds the next ones off until
 * the transaction ends. A runner that is idle notices at the next event, or when it is started again. False when there
 * is no such subscription.
 */
export async function rewindCheckpoint(tx: Tx, name: string): Promise<boolean> {
  await tx.query(
    `select pg_advisory_xact_lock(hashtextextended('subscription ' || current_schema() || ' ' || $1::text, 0))`,
    [name],
  );
  const { rowCount } = await tx.query(
    `update subscriptions
        set position = $2, applied_count = 0, applied_hash = repeat('0', 128)::bit(128), updated_at = clock_timestamp()
      where name = $1`,
    [name, start],
  );
  return rowCount === 1;
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
  const words = [0, 8, 16, 24].map((at) => digitsAt(from.hash, at, 8));
  for (const { id } of events) {
    words[0]! ^= digitsAt(id, 0, 8);
    words[1]! ^= (digitsAt(id, 9, 4) << 16) | digitsAt(id, 14, 4);
    words[2]! ^= (digitsAt(id, 19, 4) << 16) | digitsAt(id, 24, 4);
    words[3]! ^= digitsAt(id, 28, 8);
  }
  return {
    position: events.at(-1)?.position ?? from.position,
    count: from.count + BigInt(events.length),
    hash: words.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join(''),
  };
}

/** Up to eight lower-case hexadecimal digits as 32 bits: big integers would take most of a fast reader's time. */
function digitsAt(text: string, from: number, count: number): number {
  let bits = 0;
  for (let at = from; at < from + count; at++) {
    const code = text.charCodeAt(at);
    bits = (bits << 4) | (code - (code < 0x60 ? 0x30 : 0x57));
  }
  return bits;
}

/**
 * Port: where subscriptions keep their places, in the transactions of their effects. Adapters: Postgres, the tables of a
 * simulation.
 */
export type CheckpointTable = {
  readonly open: typeof openCheckpoint;
  readonly claim: typeof claimCheckpoint;
  readonly move: typeof moveCheckpoint;
};

export const postgresCheckpoints: CheckpointTable = {
  open: openCheckpoint,
  claim: claimCheckpoint,
  move: moveCheckpoint,
};

function checkpointOf(row: CheckpointRow): Checkpoint {
  return {
    position: row.position as Position,
    count: BigInt(row.applied_count),
    hash: BigInt(`0b${row.applied_hash}`).toString(16).padStart(32, '0'),
  };
}
