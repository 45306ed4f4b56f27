/**
 * Asserted when a service starts: places in the log are transactions of this server. A dump that was loaded into a server
 * which has given out fewer of them brings places that lie ahead of it: readers would wait below them, and stand behind
 * whatever is appended meanwhile, without a sign and for ever.
 */
import { AssertionError } from '@daybook/core';
import type { Pool } from 'pg';
import { asOperational } from './operational';

/** What is seen has ended, so that in its own server it is below every transaction that is still to come. */
const aheadQuery = `
  select tx::text as place, pg_snapshot_xmax(pg_current_snapshot())::text as next
    from appends where tx >= pg_snapshot_xmax(pg_current_snapshot()) order by tx desc limit 1`;

/** Throws AssertionError that says so, and OperationalError `store_unavailable`. */
export async function assertOwnTransactions(pool: Pool): Promise<void> {
  let ahead: { readonly place: string; readonly next: string } | undefined;
  try {
    ahead = (await pool.query<{ place: string; next: string }>(aheadQuery)).rows[0];
  } catch (error) {
    throw asOperational(error);
  }
  if (ahead === undefined) return;
  throw new AssertionError(
    `the log was loaded from another server: its newest transaction is ${ahead.place}, the next one here is ${ahead.next}. ` +
      'Move the transactions of this server ahead, see "After a dump" in packages/event-store/README.md',
  );
}
