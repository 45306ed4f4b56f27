import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { assert } from '@daybook/core';
import { Histogram, uuidv7, withCorrelation, type Component, type Logger, type Registry } from '@daybook/runtime';
import express, { type Express, type Request, type RequestHandler } from 'express';
import helmet from 'helmet';
import { errorHandler, sendProblem } from './problem';

const correlationPattern = /^[A-Za-z0-9._:-]{1,100}$/;
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;

export type AppOptions = {
  readonly logger: Logger;
  readonly metrics: Registry;
  /** What keeps the service from serving, or nothing. Asked by `/readyz`. */
  readonly notReady: () => Promise<string | undefined> | string | undefined;
  /** Mounts the service's routes. The probes and the error handler are around them. */
  readonly routes: (app: Express) => void;
};

/** The same outside for every service: correlation, one log line a request, metrics, probes, problem+json errors. */
export function createApp(options: AppOptions): Express {
  const { logger, metrics } = options;
  const app = express();
  app.locals.logger = logger;
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.use(observe(logger, metrics));
  app.use(fixedHeaders());
  app.get('/healthz', (_req, res) => void res.json({ status: 'alive' }));
  app.get('/readyz', async (_req, res) => {
    const reason = await options.notReady();
    res
      .status(reason === undefined ? 200 : 503)
      .json(reason === undefined ? { status: 'ready' } : { status: 'not ready', reason });
  });
  app.get('/metrics', async (_req, res) => void res.type(metrics.contentType).send(await metrics.metrics()));
  options.routes(app);
  app.use((_req, res) => sendProblem(res, { status: 404, code: 'NOT_FOUND', message: 'There is no such route.' }));
  app.use(
    errorHandler(
      (error, res) => logger.error({ error, correlationId: res.locals.correlationId }, 'request failed'),
      sendProblem,
    ),
  );
  return app;
}

/** What helmet sets, which is the same for every answer: asked once, because its fifteen steps cost more than the headers. */
function fixedHeaders(): RequestHandler {
  // Without upgrade-insecure-requests: on http://127.0.0.1 the pages could not load their own files.
  const directives = { 'frame-ancestors': ["'none'"], 'upgrade-insecure-requests': null };
  const headers = new Map<string, string>([['Cache-Control', 'no-store']]);
  const listener = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    removeHeader: () => undefined,
  };
  let passed = false;
  helmet({ contentSecurityPolicy: { directives } })({} as never, listener as never, (error?: unknown) => {
    passed = error === undefined;
  });
  assert(passed, 'the headers depend on nothing');
  return (_req, res, next) => {
    for (const [name, value] of headers) res.setHeader(name, value);
    next();
  };
}

function observe(logger: Logger, metrics: Registry): RequestHandler {
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from request to last byte of the answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers: [metrics],
  });
  // These lines hold only what is put together here, so nothing is looked for that must not be logged.
  const requests = logger.child({}, { redact: [] });
  return (req, res, next) => {
    const begun = process.hrtime.bigint();
    const correlationId = correlationOf(req);
    res.locals.correlationId = correlationId;
    res.set('X-Correlation-Id', correlationId);
    res.once('close', () => {
      const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
      const route = (req.route as { path?: string } | undefined)?.path ?? 'unmatched';
      duration.observe({ method: req.method, route, status: res.statusCode }, seconds);
      // The path without the query: a query may carry what its sender should have put into a header.
      const path = req.originalUrl.split('?', 1)[0];
      requests.info(
        {
          method: req.method,
          path,
          status: res.statusCode,
          ms: Math.round(seconds * 1e6) / 1e3,
          correlationId,
          ...(res.locals.logged as object | undefined),
        },
        'request',
      );
    });
    withCorrelation({ correlationId, causationId: correlationId }, next);
  };
}

/** A caller's own id is kept if it is safe to print; otherwise a new one is made. */
function correlationOf(req: Request): string {
  const given = req.get('x-correlation-id');
  return given !== undefined && correlationPattern.test(given) ? given : uuidv7();
}

/** A listening server. `url` is known once started. */
export type HttpServer = Component & { readonly url: string };

export function httpServer(app: Express, options: { readonly host: string; readonly port: number }): HttpServer {
  let server: Server | undefined;
  return {
    name: 'http server',
    get url() {
      assert(server, 'the server is not started');
      const { port } = server.address() as AddressInfo;
      return `http://${options.host === '0.0.0.0' ? '127.0.0.1' : options.host}:${port}`;
    },
    async start() {
      server = app.listen(options.port, options.host);
      server.headersTimeout = headersTimeoutMs;
      server.requestTimeout = requestTimeoutMs;
      await once(server, 'listening');
    },
    async stop() {
      if (server === undefined) return;
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await closed;
    },
  };
}
