/**
 * Sounds the alarm when a transaction holds the readers of the log back. They wait in safety, and its own time limits end
 * it, so all that this does is to say who it is before a person asks why nothing moves.
 */
import type { Component, Logger } from '@daybook/runtime';
import type { Pool } from 'pg';
import { oldestWriter } from './oldest-writer';

/** Together: a stall is told at most ten seconds after it began. */
const lookEveryMs = 5_000;
const alarmAfterMs = 5_000;

export function watchWriters(
  { pool, logger }: { readonly pool: Pool; readonly logger: Logger },
  { everyMs = lookEveryMs, afterMs = alarmAfterMs } = {},
): Component {
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  let told: string | undefined;

  async function look(): Promise<void> {
    const writer = await oldestWriter(pool);
    if (writer === undefined || writer.ageMs < afterMs) {
      if (told !== undefined) logger.info('no transaction holds the readers of the log back any more');
      told = undefined;
      return;
    }
    const name = `${writer.pid} ${writer.application}`;
    if (name === told) return;
    told = name;
    logger.warn({ writer }, 'a transaction that has written and is still open holds all readers of the log back');
  }

  return {
    name: 'watch of open transactions',
    async start() {
      timer = setInterval(() => {
        looking = look().catch((error: unknown) => logger.debug({ error }, 'open transactions were not seen'));
      }, everyMs);
    },
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
