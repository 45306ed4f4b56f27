import { once } from 'node:events';
import type { Logger } from '@daybook/runtime';
import type { Response } from 'express';

/**
 * Sends lines as they come, as fast as the client takes them. When they fail midway the connection is cut off, so that no
 * client takes what it has for the whole.
 */
export async function sendLines(res: Response, lines: AsyncIterable<string>, logger: Logger): Promise<void> {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  res.status(200).set({ 'Content-Type': 'application/x-ndjson', 'X-Accel-Buffering': 'no' });
  try {
    for await (const some of lines) {
      if (gone.signal.aborted) return;
      if (!res.write(some)) await once(res, 'drain', { signal: gone.signal });
    }
    res.end();
  } catch (error) {
    if (gone.signal.aborted) return;
    logger.error({ error }, 'an answer in lines was cut off');
    res.destroy();
  }
}
