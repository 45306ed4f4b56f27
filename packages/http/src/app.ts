import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { assert } from '@daybook/core';
import { withCorrelation, type Component, type Logger, type Registry } from '@daybook/runtime';
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { directListener, type DirectRoute } from './direct';
import { createObserve, type Observe } from './observe';
import { errorHandler, logFailure, sendProblem } from './problem';
import { whenDone } from './when-done';

const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
/** How often is looked for requests whose time is over: by itself Node looks twice a minute. */
const timeoutsCheckedMs = 1_000;

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
  return appOf(options, createObserve(options.logger, options.metrics), fixedHeaders());
}

/** The same with routes that are answered before the app is asked. It has them too. */
export function createListener(options: AppOptions & { readonly direct?: readonly DirectRoute[] }): RequestListener {
  const observe = createObserve(options.logger, options.metrics);
  const headers = fixedHeaders();
  const app = appOf(options, observe, headers);
  const { direct = [] } = options;
  return direct.length === 0 ? app : directListener(direct, { observe, headers, otherwise: app });
}

function appOf(options: AppOptions, observe: Observe, headers: ReadonlyMap<string, string>): Express {
  const { logger, metrics } = options;
  const app = express();
  app.locals.logger = logger;
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple');
  app.use(observed(observe));
  app.use((_req, res, next) => {
    for (const [name, value] of headers) res.setHeader(name, value);
    next();
  });
  app.get('/healthz', (_req, res) => void res.json({ status: 'alive' }));
  // Open to everyone, and they ask the database: those who come meanwhile share an answer.
  const notReady = shared(async () => options.notReady());
  const exposition = shared(() => metrics.metrics());
  app.get('/readyz', async (_req, res) => {
    const reason = await notReady();
    res
      .status(reason === undefined ? 200 : 503)
      .json(reason === undefined ? { status: 'ready' } : { status: 'not ready', reason });
  });
  app.get('/metrics', async (_req, res) => void res.type(metrics.contentType).send(await exposition()));
  options.routes(app);
  app.use((_req, res) => sendProblem(res, { status: 404, code: 'NOT_FOUND', message: 'There is no such route.' }));
  app.use(
    errorHandler(
      (error, res) => logFailure(logger, { error, correlationId: String(res.locals.correlationId) }),
      sendProblem,
    ),
  );
  return app;
}

function shared<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let asking: Promise<Answer> | undefined;
  return () => (asking ??= ask().finally(() => (asking = undefined)));
}

/** What helmet sets, which is the same for every answer: asked once, because its fifteen steps cost more than the headers. */
function fixedHeaders(): ReadonlyMap<string, string> {
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
  return headers;
}

function observed(observe: Observe): RequestHandler {
  return (req, res, next) => {
    const correlationId = observe(req, res, {
      route: () => (req.route as { path?: string } | undefined)?.path ?? 'unmatched',
      logged: () => res.locals.logged as object | undefined,
    });
    res.locals.correlationId = correlationId;
    res.set('X-Correlation-Id', correlationId);
    withCorrelation({ correlationId, causationId: correlationId }, next);
  };
}

/** A listening server. `url` is known once started. */
export type HttpServer = Component & { readonly url: string };

/**
 * Stopping answers what has been asked and takes nothing new: a client that keeps its connection busy would otherwise be
 * served for ever.
 */
export function httpServer(
  listener: RequestListener,
  options: { readonly host: string; readonly port: number },
): HttpServer {
  let server: Server | undefined;
  let stopping = false;
  const answering = new Set<ServerResponse>();

  function track(response: ServerResponse): void {
    if (stopping) response.shouldKeepAlive = false;
    answering.add(response);
    whenDone(response, () => {
      answering.delete(response);
      // Its headers may have gone out before the stop, and have promised to keep the connection.
      if (stopping) setImmediate(() => server?.closeIdleConnections());
    });
  }

  return {
    name: 'http server',
    get url() {
      assert(server, 'the server is not started');
      const { port } = server.address() as AddressInfo;
      return `http://${options.host === '0.0.0.0' ? '127.0.0.1' : options.host}:${port}`;
    },
    async start() {
      stopping = false;
      const timeouts = {
        headersTimeout: headersTimeoutMs,
        requestTimeout: requestTimeoutMs,
        connectionsCheckingInterval: timeoutsCheckedMs,
      };
      server = createServer(timeouts, (request, response) => {
        track(response);
        listener(request, response);
      }).listen(options.port, options.host);
      await once(server, 'listening');
    },
    async stop() {
      if (server === undefined) return;
      stopping = true;
      for (const response of answering) response.shouldKeepAlive = false;
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await closed;
    },
  };
}
