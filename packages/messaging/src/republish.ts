/**
 * Everything that services have told others, told again from their stores: the way back when a broker has lost messages.
 * Sends relays back to the start of their logs; they publish in order, with the same ids, and consumers drop what they
 * have. May be repeated, also while a republication runs.
 */
import { inTransaction, rewindCheckpoint } from '@daybook/event-store';
import { StartRefusal } from '@daybook/runtime';
import type { Pool } from 'pg';
import { subscriptionName } from './subscription-name';

/** Throws StartRefusal where no service has its tables in the schema, and OperationalError `store_unavailable`. */
export async function assertService(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string; isThere: boolean }>(
    `select current_setting('search_path') as name, to_regclass('subscriptions') is not null as "isThere"`,
  );
  if (rows[0]?.isThere !== true) throw new StartRefusal(`no service has its tables in the schema ${rows[0]?.name}`);
}

/**
 * Of one service's schema. Returns the names of its relays. Waits for publications in hand; a running service goes on
 * from the start within seconds, and a stopped one when it starts. What is new meanwhile comes behind, for the order of
 * keys. Throws OperationalError `store_unavailable`.
 */
export async function republish(pool: Pool): Promise<readonly string[]> {
  return inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ name: string }>(
      `select name from subscriptions where starts_with(name, $1) order by name`,
      [subscriptionName('')],
    );
    const relays = rows.map(({ name }) => name.slice(subscriptionName('').length));
    for (const relay of relays) {
      await rewindCheckpoint(tx, subscriptionName(relay));
      await tx.query(`delete from relay_places where relay = $1`, [relay]);
    }
    return relays;
  });
}
