import { setTimeout as delay } from 'node:timers/promises';

const firstPauseMs = 5;
const longestPauseMs = 100;

/**
 * Repeats the check until it stops throwing and returns its result: the way to wait for what happens elsewhere.
 * After `timeoutMs` it throws the last error, with the time it waited in the message.
 */
export async function eventually<T>(check: () => T | Promise<T>, options: { readonly timeoutMs: number }): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() < deadline) {
        await delay(pauseMs);
        continue;
      }
      const last = error instanceof Error ? error : new Error(String(error));
      last.message = `still so after ${options.timeoutMs} ms: ${last.message}`;
      throw last;
    }
  }
}
