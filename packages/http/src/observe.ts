/** One log line and one observation of its duration for every request, and the id that ties together what it causes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Histogram, traceIdOf, uuidv7, type Logger, type Registry } from '@daybook/runtime';
import { whenDone } from './when-done';

const correlationPattern = /^[A-Za-z0-9._:-]{1,100}$/;

const clientGone = 499;

/** Asked when the answer is out. */
type Said = { route(): string; logged(): object | undefined };

/** Begins to observe a request; returns its correlation id. */
export type Observe = (req: IncomingMessage, res: ServerResponse, said: Said) => string;

export function createObserve(logger: Logger, metrics: Registry): Observe {
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from request to last byte of the answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers: [metrics],
  });
  // These lines hold only what is put together here, so nothing is looked for that must not be logged.
  const requests = logger.child({}, { redact: [] });
  return (req, res, said) => {
    const begun = performance.now();
    const correlationId = correlationOf(req);
    // A router may take parts off `req.url` while it works.
    const url = req.url ?? '';
    whenDone(res, () => {
      const ms = performance.now() - begun;
      const { method = '' } = req;
      // What nginx calls it too: the client was gone before there was an answer.
      const status = res.headersSent ? res.statusCode : clientGone;
      duration.observe({ method, route: said.route(), status }, ms / 1e3);
      // The path without the query: a query may carry what its sender should have put into a header.
      const path = url.split('?', 1)[0];
      requests.info(
        { method, path, status, ms: Math.round(ms * 1e3) / 1e3, correlationId, ...said.logged() },
        'request',
      );
    });
    return correlationId;
  };
}

/** A caller's own id is kept if it is safe to print, or else that of its trace; otherwise a new one is made. */
function correlationOf({ headers }: IncomingMessage): string {
  const given = headers['x-correlation-id'];
  if (typeof given === 'string' && correlationPattern.test(given)) return given;
  const { traceparent } = headers;
  return (typeof traceparent === 'string' ? traceIdOf(traceparent) : undefined) ?? uuidv7();
}
