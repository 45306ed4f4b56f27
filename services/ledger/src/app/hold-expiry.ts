/**
 * Expires holds when their time has come by the engine's clock, which decides: nothing expires early, and of a capture
 * that arrives together with the expiry one wins. Looks at the open holds from time to time, so that a restart, or a
 * missed look, only makes it late; until then an expired hold cannot be captured either.
 */
import { isOperationalError } from '@daybook/core';
import { mode as modeSchema, type Mode } from '@daybook/contracts';
import { createAlarm, type Clock, type Component, type Logger, type OnFatal } from '@daybook/runtime';
import type { BookState } from '../domain/book-state';
import type { Books } from './books';

/** Between two looks at the open holds. */
const pollMs = 1_000;
/** Open records looked at in one turn, so that many of them do not keep the engine from its commands. */
const sliceMax = 1_000;

export type HoldExpiryDeps = {
  readonly books: Books;
  readonly now: Clock;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
};

export type HoldExpiry = Component & {
  /** Looks at the books once. For tests, and for whoever cannot wait. */
  look(): Promise<void>;
};

export function createHoldExpiry({ books, now, logger, onFatal }: HoldExpiryDeps): HoldExpiry {
  const alarm = createAlarm();
  let running: { stopped: boolean; readonly ended: Promise<void> } | undefined;

  const look = async () => {
    for (const mode of modeSchema.options) await expireDue(books, mode, now().toISOString());
  };
  const run = async (state: { stopped: boolean }) => {
    while (!state.stopped) {
      await look().catch((error: unknown) => {
        if (!isOperationalError(error)) throw error;
        logger.warn({ error }, 'holds will be expired later');
      });
      await alarm.wait(pollMs);
    }
  };
  return {
    name: 'hold expiry',
    look,
    async start() {
      const state = { stopped: false };
      running = Object.assign(state, { ended: run(state).catch(onFatal) });
    },
    async stop() {
      if (running === undefined) return;
      running.stopped = true;
      alarm.ring();
      await running.ended;
    },
  };
}

/** In slices, between which the engine does other things; holds that come meanwhile are seen in the same pass. */
async function expireDue(books: Books, mode: Mode, time: string): Promise<void> {
  const engine = books.of(mode);
  let scanned: BookState['open'] | undefined;
  let ids: Iterator<string> = [].values();
  for (let done = false; !done;) {
    const slice = await engine.read(({ open, records }) => {
      // Another one after the book was loaded again.
      if (open !== scanned) [scanned, ids] = [open, open.values()];
      return dueAmong(ids, records, time);
    });
    done = slice.done;
    await Promise.all(slice.due.map((holdId) => engine.submit({ type: 'ExpireHold', holdId })));
  }
}

function dueAmong(ids: Iterator<string>, records: BookState['records'], time: string) {
  const due: string[] = [];
  for (let left = sliceMax; left > 0; left--) {
    const next = ids.next();
    if (next.done === true) return { due, done: true };
    const subject = records.get(next.value)?.subject;
    if (subject?.type === 'hold' && subject.expiresAt !== null && subject.expiresAt <= time) due.push(next.value);
  }
  return { due, done: false };
}
