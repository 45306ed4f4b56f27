/**
 * Requests to a service, as many at once as there are connections to it. Those beyond wait for their turn, in order, and are
 * refused unsent when it comes too late: their callers have gone by then, and what they asked for would still be done.
 */
import { WaitedTooLong } from './call-queue';

type Waiting = { readonly since: number; readonly go: () => void; readonly refuse: (error: WaitedTooLong) => void };

export type CallSlots = <Answer>(send: () => Promise<Answer>) => Promise<Answer>;

/** Those that wait for `waitMaxMs` or more are rejected with `WaitedTooLong` when their turn comes. */
export function callSlots(
  slots: number,
  { waitMaxMs, now = () => performance.now() }: { readonly waitMaxMs: number; readonly now?: () => number },
): CallSlots {
  const waiting: Waiting[] = [];
  let taken = 0;

  function free(): void {
    taken -= 1;
    while (taken < slots) {
      const next = waiting.shift();
      if (next === undefined) return;
      if (now() - next.since >= waitMaxMs) {
        next.refuse(new WaitedTooLong());
        continue;
      }
      taken += 1;
      next.go();
    }
  }

  function turn(): Promise<void> | undefined {
    if (taken >= slots) return new Promise((go, refuse) => waiting.push({ since: now(), go, refuse }));
    taken += 1;
    return undefined;
  }

  return async (send) => {
    await turn();
    try {
      return await send();
    } finally {
      free();
    }
  };
}
