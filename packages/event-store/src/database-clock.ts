/**
 * Time by the database's clock, by which deadlines are judged: all instances of a service agree on it, and a step of one
 * machine's wall clock changes nothing. Between two looks at it the process counts on by its monotonic clock.
 */
import type { Clock, Component, Logger } from '@daybook/runtime';
import type { Pool } from 'pg';
import { withConnection } from './database';

const lookEveryMs = 10_000;

/**
 * What is known of another clock. A look says what it showed at some moment between two of the monotonic clock, so it
 * moves what is assumed only when that cannot be. Assumes at first that the answer took all of the time: a deadline may be
 * judged late by that, and never early.
 */
export function followedClock() {
  let ahead: number | undefined;
  return {
    looked(before: number, shown: number, after: number): void {
      ahead = Math.min(Math.max(ahead ?? -Infinity, shown - after), shown - before);
    },
    /** Milliseconds since 1970, or undefined before the first look. */
    at: (monotonic: number): number | undefined => (ahead === undefined ? undefined : monotonic + ahead),
  };
}

export type DatabaseClock = Component & {
  /** Before the start it is the wall clock. */
  readonly now: Clock;
};

/** Its start throws OperationalError `store_unavailable`; later the process counts on while the database is away. */
export function databaseClock(pool: Pool, logger: Logger): DatabaseClock {
  const clock = followedClock();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    await withConnection(pool, async (client) => {
      const before = performance.now();
      const { rows } = await client.query<{ now: number }>({
        name: 'database_clock',
        text: 'select (1000 * extract(epoch from clock_timestamp()))::double precision as now',
      });
      clock.looked(before, rows[0]!.now, performance.now());
    });
  }

  return {
    name: 'clock of the database',
    now: () => new Date(clock.at(performance.now()) ?? Date.now()),
    async start() {
      await look();
      timer = setInterval(() => {
        looking = look().catch((error: unknown) => logger.debug({ error }, 'the clock of the database was not seen'));
      }, lookEveryMs);
    },
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
