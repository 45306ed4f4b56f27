/**
 * Keeps an engine that has nothing to do at the end of its stream, so that one that was overtaken steps down at once and
 * not at its next command. An engine that is busy needs none of this: its next append or answer finds out.
 */
import { isOperationalError } from '@daybook/core';
import type { Logger } from '@daybook/runtime';

type Followed = {
  readonly stream: string;
  /** Tells of appends by anyone, perhaps more often than needed. */
  readonly onAppend: (wake: () => void) => { stop(): Promise<void> };
  isIdle(): boolean;
  isCurrent(): Promise<boolean>;
  /** Reads what is new. Called only when the engine is idle; it takes no command until this is through. */
  catchUp(): Promise<void>;
  fail(error: unknown): void;
  readonly logger: Logger;
};

/** Appends come in bursts; one look serves many. */
const gatherMs = 50;
/** A hint may get lost, and an engine that was overtaken is to know it within a second. */
const unaskedMs = 500;

export function createFollower(followed: Followed): { start(): void; stop(): Promise<void> } {
  const { stream, logger } = followed;
  let listening: { stop(): Promise<void> } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;

  const lookIn = (ms: number) => {
    if (listening === undefined) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      looking = look().finally(() => {
        looking = undefined;
        lookIn(unaskedMs);
      });
    }, ms).unref();
  };

  async function look(): Promise<void> {
    try {
      if (!followed.isIdle() || (await followed.isCurrent()) || !followed.isIdle()) return;
      logger.warn({ stream }, 'another writer appended: stepping down to follow it');
      await followed.catchUp();
    } catch (error) {
      if (!isOperationalError(error)) followed.fail(error);
    }
  }

  let woken = false;
  return {
    start() {
      listening = followed.onAppend(() => {
        if (woken || looking !== undefined) return;
        woken = true;
        setTimeout(() => (woken = false), gatherMs).unref();
        lookIn(gatherMs);
      });
      lookIn(unaskedMs);
    },
    async stop() {
      const stopped = listening;
      listening = undefined;
      clearTimeout(timer);
      await looking;
      await stopped?.stop();
    },
  };
}
