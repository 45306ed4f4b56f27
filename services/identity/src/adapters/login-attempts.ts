/**
 * Table login_attempts: tries per login within a window that starts with the first. A try is counted in one statement
 * before it is judged, so any number of tries at the same time judges five. Digests only; rows go when their window ends.
 */
import type { Pool } from 'pg';
import type { LoginAttempts } from '../ports';

const triesMax = 5;
const windowMs = 15 * 60_000;

export function postgresLoginAttempts(pool: Pool): LoginAttempts {
  return {
    async take(loginDigest, now) {
      const windowStart = new Date(now.getTime() - windowMs).toISOString();
      await pool.query('delete from login_attempts where started_at <= $1', [windowStart]);
      const { rows } = await pool.query<{ tries: number }>(
        `insert into login_attempts (login_digest, started_at, tries) values ($1, $2, 1)
         on conflict (login_digest) do update set tries = least(login_attempts.tries + 1, $3)
         returning tries`,
        [loginDigest, now.toISOString(), triesMax + 1],
      );
      return (rows[0]?.tries ?? 0) <= triesMax;
    },
    async clear(loginDigest) {
      await pool.query('delete from login_attempts where login_digest = $1', [loginDigest]);
    },
  };
}
