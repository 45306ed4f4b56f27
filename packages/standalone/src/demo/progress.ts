import type { WriteStream } from 'node:tty';

const pollMs = 200;

/** Lines with the time since the start; on a terminal the current state is one line that is rewritten. */
export function openProgress(out: WriteStream | NodeJS.WriteStream) {
  const begun = Date.now();
  const live = out.isTTY;
  const stamp = () => `[${((Date.now() - begun) / 1000).toFixed(1).padStart(5)} s]`;
  const clear = () => (live ? out.write('\r\x1b[2K') : undefined);
  const step = (text: string) => {
    clear();
    out.write(`${stamp()} ${text}\n`);
  };
  return {
    step,
    /** Shows what `look` says until `result` is there: each new state as a line, and on a terminal the seconds as well. */
    async until<T>(result: Promise<T>, look: () => Promise<string>): Promise<T> {
      let done = false;
      const finished = result.finally(() => (done = true));
      let shown = '';
      while (!done) {
        const state = await look();
        if (state !== shown) step((shown = state));
        else if (live) out.write(`\r${stamp()} ${state} …`);
        await Promise.race([finished.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, pollMs))]);
      }
      return finished;
    },
    close: clear,
  };
}
