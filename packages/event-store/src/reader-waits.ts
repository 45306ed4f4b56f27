import type { Clock } from '@daybook/runtime';
import type { Pool } from 'pg';
import type { EventStore, Position } from './event-store';
import type { Generation } from './generation-tables';

/** One that follows the log of the schema: a group of read models, a relay, or what else has a place of its own. */
export type Reader = {
  readonly name: string;
  readonly position: Position;
  /** Events since the start of the log, or since it was sent back there. */
  readonly applied: bigint;
  readonly movedAt: Date;
};

/** The place of a generation that was replaced stays where it is until its tables go: nobody follows from there. */
const readersSql = `
  select name, position, applied_count, updated_at
    from subscriptions s
   where not exists (
           select from projection_generations g where g.checkpoint = s.name and g.state <> all ($1))
   order by name`;

/** Every one that is to go on, by name. Throws OperationalError `store_unavailable`. */
export async function readersOf(pool: Pool): Promise<readonly Reader[]> {
  return readersAmong(pool, ['building', 'live']);
}

/** Read models count as readers in these states. */
async function readersAmong(pool: Pool, states: readonly Generation['state'][]): Promise<readonly Reader[]> {
  type Row = { name: string; position: Position; applied_count: string; updated_at: Date };
  const { rows } = await pool.query<Row>(readersSql, [states]);
  return rows.map(({ name, position, applied_count: applied, updated_at: movedAt }) => ({
    name,
    position,
    applied: BigInt(applied),
    movedAt,
  }));
}

/**
 * For how many seconds each reader has not moved although there is an event that it has not applied; 0 when there is none.
 * One that works through a backlog moves. Read models that are being built are left out: they stand still while they are
 * compared and wait to be shown. What an open transaction holds back from all of them counts from when it has ended: until
 * then `watchWriters` tells. Throws OperationalError `store_unavailable`.
 */
export async function readerWaits(deps: {
  readonly pool: Pool;
  readonly store: EventStore;
  readonly now: Clock;
}): Promise<readonly { readonly name: string; readonly waitsS: number }[]> {
  const readers = await readersAmong(deps.pool, ['live']);
  return Promise.all(
    readers.map(async ({ name, position, movedAt }) => {
      const [next] = await deps.store.readAll(position, 1);
      if (next === undefined) return { name, waitsS: 0 };
      const since = Math.max(next.recordedAt.getTime(), movedAt.getTime());
      return { name, waitsS: Math.max(0, deps.now().getTime() - since) / 1_000 };
    }),
  );
}
