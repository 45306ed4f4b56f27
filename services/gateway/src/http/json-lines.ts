import { whenDone } from '@daybook/http';
import { once } from 'node:events';
import type { Logger } from '@daybook/runtime';
import type { Response } from 'express';

/** A client may look at what it has for a while, as a pager does; one that is silent for longer has left. */
const unreadMsMax = 10 * 60_000;

export type SendLines = (res: Response, lines: AsyncIterable<string>) => Promise<void>;

/**
 * Sends lines as they come, as fast as the client takes them. When they fail midway the connection is cut off, so that no
 * client takes what it has for the whole; when nothing is read for `unreadMs`; and when the gateway is `closing`, because a
 * server that stops waits for its answers, and these may take hours.
 */
export function jsonLines({
  closing,
  logger,
  unreadMs = unreadMsMax,
}: {
  readonly closing: AbortSignal;
  readonly logger: Logger;
  readonly unreadMs?: number;
}): SendLines {
  return async (res, lines) => {
    const gone = new AbortController();
    // An answer that waits for another on its connection has nothing of its own to close.
    const cutOff = () => void res.req.socket.destroy();
    closing.addEventListener('abort', cutOff);
    whenDone(res, () => {
      closing.removeEventListener('abort', cutOff);
      gone.abort();
    });
    // The lines have not begun, so there is nothing to end.
    if (gone.signal.aborted) return;
    if (closing.aborted) return cutOff();
    res.status(200).set({ 'Content-Type': 'application/x-ndjson', 'X-Accel-Buffering': 'no' });
    try {
      for await (const some of lines) {
        if (gone.signal.aborted) return;
        if (res.write(some)) continue;
        const unread = setTimeout(cutOff, unreadMs);
        await once(res, 'drain', { signal: gone.signal }).finally(() => clearTimeout(unread));
      }
      res.end();
    } catch (error) {
      if (gone.signal.aborted) return;
      logger.error({ error }, 'an answer in lines was cut off');
      res.destroy();
    }
  };
}
