/**
 * Asserted when a service starts: the log is the one that the readers of this schema have read, and that this server may
 * go on with. Readers of another one would wait behind what is appended, or pass over it, without a sign and for ever.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { StartRefusal } from '@daybook/runtime';
import type { Pool } from 'pg';
import { start, type EventStore, type Position } from './event-store';

/** Throws StartRefusal that says what is wrong and how to go on, and OperationalError `store_unavailable`. */
export async function assertOwnLog(pool: Pool, store: EventStore, options: LookOptions = {}): Promise<void> {
  await assertOwnTransactions(pool);
  await assertOwnPlaces(pool, store, options);
}

/** A cluster whose leader has just changed, or whose disk has just failed to read, may not show what it has. */
type LookOptions = { readonly lookAgainMs?: number };
const looksMax = 5;

/** What is seen has ended, so that in its own server it is below every transaction that is still to come. */
const aheadQuery = `
  select tx::text as place, pg_snapshot_xmax(pg_current_snapshot())::text as next
    from appends where tx >= pg_snapshot_xmax(pg_current_snapshot()) order by tx desc limit 1`;

/**
 * Places in the log in Postgres are transactions of its server. A dump that was loaded into a server which has given out
 * fewer of them brings places that lie ahead of it.
 */
async function assertOwnTransactions(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ place: string; next: string }>(aheadQuery);
  const [ahead] = rows;
  if (ahead === undefined) return;
  throw new StartRefusal(
    `the log was loaded from another server: its newest transaction is ${ahead.place}, the next one here is ${ahead.next}. ` +
      'Move the transactions of this server ahead, see "After a dump" in packages/event-store/README.md',
  );
}

/** Readers stand on events, and the log keeps all of them. */
async function assertOwnPlaces(pool: Pool, store: EventStore, options: LookOptions): Promise<void> {
  const { rows: readers } = await pool.query<{ name: string; position: Position }>(
    'select name, position from subscriptions where position <> $1 order by name',
    [start],
  );
  for (const { name, position } of readers) {
    if (await holds(store, position, options)) continue;
    throw new StartRefusal(
      `the log has no event at ${position}, where its reader ${name} stands. Either EVENT_STORE, EVENTSTOREDB_URL or ` +
        'EVENTSTOREDB_NAMESPACE is not the one of before, or the log is older than the database, see "After a restore" in ' +
        'packages/event-store/README.md',
    );
  }
}

async function holds(store: EventStore, place: Position, { lookAgainMs = 1_000 }: LookOptions): Promise<boolean> {
  for (let look = 1; ; look++) {
    if (await store.holds(place)) return true;
    if (look === looksMax) return false;
    await delay(lookAgainMs);
  }
}
