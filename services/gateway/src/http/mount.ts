import { describeIssue, errorHandler, FailureError, losslessBody, stringifyJson, type Failure } from '@daybook/http';
import type { Logger } from '@daybook/runtime';
import type { ErrorRequestHandler, Express, Request, RequestHandler, Response } from 'express';
import type { Authenticate } from '../app/authenticate';
import type { Credential } from '../app/credential';
import { readPresented } from '../app/presented-credential';
import { addressGroup, clientAddress, isAllowed } from './client-address';
import { edgeFailures, sendFailure, type Dialect } from './dialect';
import type { EventStreams } from './event-stream';
import { sendLines } from './json-lines';
import type { Limits } from './limits';
import type { DialectName, Route } from './route';

/** Largest body of a request that does not say another, in bytes, also after decompression. */
const bodyBytesMaxDefault = 1_048_576;

const inWords = { error: describeIssue };

export type GateDeps = {
  readonly authenticate: Authenticate;
  readonly limits: Limits;
  readonly streams: EventStreams;
  readonly trustedProxies: readonly string[];
  readonly logger: Logger;
};

/** Mounts every route at its full path, then each dialect's own answers for what is left below its base path. */
export function mountRoutes(
  app: Express,
  dialects: Readonly<Record<DialectName, Dialect>>,
  routes: readonly Route[],
  deps: GateDeps,
): void {
  for (const route of routes) {
    const dialect = dialects[route.dialect];
    app[route.method](expressPath(route.path), gate(dialect, route, deps), ...bodyReaders(route), answer(route, deps));
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());
    app.route(expressPath(path)).all((_req, res) => {
      res.set('Allow', methods.join(', '));
      throw new FailureError(edgeFailures.methodNotAllowed);
    });
  }
  for (const dialect of Object.values(dialects)) {
    app.use(dialect.basePath, () => {
      throw new FailureError(edgeFailures.routeNotFound);
    });
    app.use(dialect.basePath, dialectErrors(dialect, deps.logger));
  }
}

function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function dialectErrors(dialect: Dialect, logger: Logger): ErrorRequestHandler {
  return errorHandler(
    (error, res) => logger.error({ error, correlationId: res.locals.correlationId }, 'request failed'),
    (res, failure) => sendFailure(dialect, res, failure),
  );
}

/** Who, how often, from where, and whether at all; in this order, before the body is read. */
function gate(dialect: Dialect, route: Route, deps: GateDeps): RequestHandler {
  return async (req, res, next) => {
    const address = clientAddress(req.socket.remoteAddress, forwardedFor(req), deps.trustedProxies);
    const group = addressGroup(address);
    refuse(await deps.limits.blocked(group));
    if (route.access === 'public') {
      refuse(await deps.limits.countRequest('public', group));
    } else {
      const caller = await callerOf(dialect, req, group, deps);
      res.locals.logged = { tenantId: caller.tenantId, credentialId: caller.credentialId };
      refuse(await deps.limits.countRequest(dialect.limit, caller.credentialId));
      if (!isAllowed(address, caller.ipAllowList)) refuse(edgeFailures.addressNotAllowed);
      if (route.access !== 'any credential' && !route.access.some((scope) => caller.scopes.includes(scope)))
        refuse(edgeFailures.scopeMissing);
      res.locals.caller = caller;
    }
    res.locals.addressGroup = group;
    next();
  };
}

async function callerOf(dialect: Dialect, req: Request, group: string, deps: GateDeps): Promise<Credential> {
  const reading = readPresented(req.rawHeaders);
  if (!reading.ok) {
    if (reading.problem === 'ambiguous') throw new FailureError(edgeFailures.credentialAmbiguous);
    throw new FailureError(reading.problem === 'malformed' ? dialect.credentialInvalid : dialect.credentialMissing);
  }
  if (!dialect.schemes.includes(reading.presented.scheme)) throw new FailureError(dialect.credentialMissing);
  const caller = await deps.authenticate(reading.presented);
  if (caller !== undefined) return caller;
  await deps.limits.countAuthFailure(group);
  throw new FailureError(dialect.credentialInvalid);
}

function forwardedFor(req: Request): string | undefined {
  // Node joins repeated headers with a comma, in the order they came.
  const value = req.headers['x-forwarded-for'];
  return Array.isArray(value) ? value.join(',') : value;
}

function refuse(failure: Failure | undefined): void {
  if (failure !== undefined) throw new FailureError(failure);
}

function bodyReaders(route: Route): RequestHandler[] {
  if (route.request.body === undefined) return [];
  return [
    (req, _res, next) => {
      if (!req.is(['application/json', 'application/*+json']))
        throw new FailureError(edgeFailures.mediaTypeUnsupported);
      next();
    },
    ...losslessBody(route.bodyBytesMax ?? bodyBytesMaxDefault),
  ];
}

/** Parses each part by its schema, calls the route's handler and writes what it answers. */
function answer(route: Route, deps: GateDeps): RequestHandler {
  const { request } = route;
  return async (req, res) => {
    const params = request.params?.safeParse(req.params);
    if (params?.success === false) throw new FailureError(route.paramsInvalid ?? edgeFailures.routeNotFound);
    const input = {
      params: params?.data,
      query: request.query?.parse({ ...req.query }, inWords),
      headers: request.headers?.parse(namedHeaders(req, Object.keys(request.headers.shape)), inWords),
      body: request.body?.parse(req.body, inWords),
      caller: res.locals.caller as Credential | undefined,
      raw: {
        method: req.method,
        url: req.originalUrl,
        body: (res.locals.rawBody as string | undefined) ?? '',
        header: (name: string) => req.get(name),
      },
    };
    const result = await route.handle(input).catch(async (error: unknown) => {
      const rejected = error instanceof FailureError && error.failure.status === 401;
      if (rejected) await deps.limits.countAuthFailure(String(res.locals.addressGroup));
      throw error;
    });
    if (result.events !== undefined) await deps.streams.send(res, result.events);
    else if (result.lines !== undefined) await sendLines(res, result.lines, deps.logger);
    else send(res, result);
  };
}

function send(res: Response, { status = 200, headers = {}, body }: Awaited<ReturnType<Route['handle']>>): void {
  res.status(status).set(headers);
  if (body === undefined) res.end();
  else res.type('application/json').send(stringifyJson(body));
}

function namedHeaders(req: Request, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = req.get(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}
