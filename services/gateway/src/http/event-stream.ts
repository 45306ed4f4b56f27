/**
 * Server-sent events: an answer that goes on. It ends when there is nothing more to tell, when the client goes away,
 * when it has grown old (clients connect again, with a credential that is looked at again), and when the gateway stops.
 */
import { FailureError, stringifyJson, whenDone } from '@daybook/http';
import type { Logger } from '@daybook/runtime';
import type { Response } from 'express';
import { once } from 'node:events';
import { edgeFailures } from './dialect';
import type { ServerSentEvent } from './route';

/** Proxies close a connection that says nothing for long, mostly after a minute. */
const heartbeatMs = 15_000;
const lifetimeMs = 15 * 60_000;
/** Each holds a connection and asks for news; more, of all or of one credential, are told to come back later. */
const openMax = 100;
const openOfOneMax = 20;
const comeBackSeconds = 10;
/** For a client to take the rest. One that does not read would keep its connection for ever. */
const leaveMs = 5_000;

export type EventStreams = {
  /**
   * Resolves when the stream has ended; at once when the client has gone already. Throws before anything is sent when too
   * many are open.
   */
  send(
    res: Response,
    credentialId: string,
    events: (signal: AbortSignal) => AsyncIterable<ServerSentEvent>,
  ): Promise<void>;
};

/** `closing` ends all of them: a server that stops waits for its answers. */
export function eventStreams(options: { readonly closing: AbortSignal; readonly logger: Logger }): EventStreams {
  const open: string[] = [];
  return {
    async send(res, credentialId, events) {
      const gone = new AbortController();
      whenDone(res, () => gone.abort());
      if (gone.signal.aborted) return;
      if (open.length >= openMax || open.filter((id) => id === credentialId).length >= openOfOneMax)
        throw new FailureError({ ...edgeFailures.rateLimitExceeded, retryAfterSeconds: comeBackSeconds });
      const signal = AbortSignal.any([gone.signal, options.closing, AbortSignal.timeout(lifetimeMs)]);
      const heartbeat = setInterval(() => res.write(': still here\n\n'), heartbeatMs);
      open.push(credentialId);
      try {
        res.status(200).set({ 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' }).flushHeaders();
        for await (const { event, data } of events(signal)) {
          if (signal.aborted) break;
          const taken = res.write(`event: ${event}\ndata: ${stringifyJson(data)}\n\n`);
          if (!taken) await once(res, 'drain', { signal });
        }
      } catch (error) {
        // The status is sent; all that can be done is to end, and the client asks again.
        if (!signal.aborted) options.logger.error({ error }, 'event stream failed');
      } finally {
        open.splice(open.indexOf(credentialId), 1);
        clearInterval(heartbeat);
        res.end();
        const leave = setTimeout(() => res.destroy(), leaveMs).unref();
        res.once('close', () => clearTimeout(leave));
      }
    },
  };
}
