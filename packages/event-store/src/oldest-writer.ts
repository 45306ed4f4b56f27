/**
 * What holds the readers of the log back: the oldest transaction of the cluster that has written and is still open. No
 * reader passes it, whatever database it is in, so its age is the least delay of every read model.
 */
import type { Pool } from 'pg';
import { asOperational } from './operational';

export type OldestWriter = {
  /** Since its transaction began. */
  readonly ageMs: number;
  /** Null for a prepared transaction, which no timeout ends. */
  readonly pid: number | null;
  readonly database: string;
  readonly application: string;
  readonly state: string;
};

/**
 * Undefined when none is open. Of other roles' sessions only a role with `pg_read_all_stats` sees anything. Throws
 * OperationalError `store_unavailable`.
 */
export async function oldestWriter(pool: Pool): Promise<OldestWriter | undefined> {
  try {
    const { rows } = await pool.query<OldestWriter>({
      name: 'oldest_writer',
      text: `select pid, database, application, state,
                    (1000 * extract(epoch from clock_timestamp() - began))::double precision as "ageMs"
               from (select pid, datname as database, application_name as application, state, xact_start as began
                       from pg_stat_activity where backend_xid is not null
                     union all
                     select null, database, gid, 'prepared', prepared from pg_prepared_xacts) writers
              order by began limit 1`,
    });
    return rows[0];
  } catch (error) {
    throw asOperational(error);
  }
}
