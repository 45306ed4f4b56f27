import type { WriteStream } from 'node:tty';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 200;

export type Progress = ReturnType<typeof openProgress>;

/** Lines with the time since the start; on a terminal the current state is one line that is rewritten. */
export function openProgress(out: WriteStream | NodeJS.WriteStream) {
  const begun = Date.now();
  const live = out.isTTY;
  const seconds = () => ((Date.now() - begun) / 1000).toFixed(1);
  const stamp = () => `[${seconds().padStart(5)} s]`;
  const clear = () => (live ? out.write('\r\x1b[2K') : undefined);
  const step = (text: string) => {
    clear();
    out.write(`${stamp()} ${text}\n`);
  };
  return {
    seconds,
    step,
    title: (text: string) => out.write(`\n${text}\n`),
    /**
     * Shows what `look` finds until it is what is waited for: each new state as a line, and on a terminal the seconds as
     * well. Throws when that takes longer than `timeoutMs`.
     */
    async until<T extends { readonly state: string }>(
      look: () => Promise<T>,
      reached: (found: T) => boolean,
      timeoutMs: number,
    ): Promise<T> {
      const deadline = Date.now() + timeoutMs;
      for (let shown = ''; ;) {
        const found = await look();
        if (found.state !== shown) step((shown = found.state));
        else if (live) out.write(`\r${stamp()} ${found.state} …`);
        if (reached(found)) return found;
        if (Date.now() > deadline) throw new Error(`after ${timeoutMs / 1000} s it still is so: ${found.state}`);
        await delay(pollMs);
      }
    },
    close: clear,
  };
}
