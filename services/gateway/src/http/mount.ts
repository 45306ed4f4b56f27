import {
  describeIssue,
  errorHandler,
  FailureError,
  failureOf,
  logFailure,
  parseBody,
  parseJsonBytes,
  readBody,
  readInput,
  stringifyJson,
  whenDone,
  type DirectRoute,
  type Failure,
} from '@daybook/http';
import type { IncomingMessage } from 'node:http';
import type { Logger } from '@daybook/runtime';
import type { ErrorRequestHandler, Express, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Authenticate } from '../app/authenticate';
import type { Credential } from '../app/credential';
import { readPresented } from '../app/presented-credential';
import type { BodyRoom } from './body-room';
import { addressGroup, clientAddress, isAllowed } from './client-address';
import { edgeFailures, failureAnswer, sendFailure, type Dialect } from './dialect';
import type { EventStreams } from './event-stream';
import type { SendLines } from './json-lines';
import type { Limits } from './limits';
import type { Answer, DialectName, Route } from './route';

/** Largest body of a request that does not say another, in bytes, also after decompression. */
const bodyBytesMaxDefault = 1_048_576;

const inWords = { error: describeIssue };

export type GateDeps = {
  readonly authenticate: Authenticate;
  readonly limits: Limits;
  readonly bodies: BodyRoom;
  readonly streams: EventStreams;
  readonly sendLines: SendLines;
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
    (error, res) => logFailure(logger, { error, correlationId: String(res.locals.correlationId) }),
    (res, failure) => sendFailure(dialect, res, failure),
  );
}

/** Who asks, and where from. */
type Passed = { readonly caller: Credential | undefined; readonly addressGroup: string };

function gate(dialect: Dialect, route: Route, deps: GateDeps): RequestHandler {
  return async (req, res, next) => {
    const passed = await (route.noticesOf === undefined
      ? pass(dialect, route, req, deps, (logged) => (res.locals.logged = logged))
      : passNotice(String(req.params[route.noticesOf]), req, deps));
    res.locals.passed = passed;
    whenDone(res, enter(route, req, passed, deps));
    next();
  };
}

const noRoom: Failure = { ...edgeFailures.serviceUnavailable, retryAfterSeconds: 1 };

/** What is to be called when the request has been answered. */
function enter(route: Route, req: IncomingMessage, passed: Passed, { bodies }: GateDeps): () => void {
  if (bodyOf(route) === undefined) return () => undefined;
  // Whoever has no credential shares with all others who have none: addresses are easily had.
  const whose = passed.caller?.credentialId ?? 'public';
  const leave = bodies.enter(whose, req, route.bodyBytesMax ?? bodyBytesMaxDefault);
  if (leave === undefined) throw new FailureError(noRoom);
  return leave;
}

function whoseOf({ caller, addressGroup: group }: Passed): string {
  return caller?.credentialId ?? group;
}

/** Who, from where, how often, and whether at all; in this order, before the body is read. */
async function pass(
  dialect: Dialect,
  route: Route,
  req: IncomingMessage,
  deps: GateDeps,
  log: (logged: object) => void,
): Promise<Passed> {
  const address = addressOf(req, deps);
  const group = addressGroup(address);
  refuse(await deps.limits.blocked(group));
  if (route.access === 'public') {
    refuse(await deps.limits.countRequest('public', group));
    return { caller: undefined, addressGroup: group };
  }
  const caller = await callerOf(dialect, req, group, deps);
  log({ tenantId: caller.tenantId, credentialId: caller.credentialId });
  if (!isAllowed(address, caller.ipAllowList)) {
    // Whoever has stolen a credential uses up what its address may try, and nothing of what its owner may ask.
    await deps.limits.countAuthFailure(group);
    refuse(edgeFailures.addressNotAllowed);
  }
  refuse(await deps.limits.countRequest(dialect.limit, caller.credentialId));
  if (route.access !== 'any credential' && !route.access.some((scope) => caller.scopes.includes(scope)))
    refuse(edgeFailures.scopeMissing);
  return { caller, addressGroup: group };
}

/** No credential is guessed here, so an address that has failed to guess one elsewhere is not held back. */
async function passNotice(gatewayId: string, req: IncomingMessage, deps: GateDeps): Promise<Passed> {
  const group = addressGroup(addressOf(req, deps));
  refuse(await deps.limits.countNotice(gatewayId, group));
  return { caller: undefined, addressGroup: group };
}

function addressOf(req: IncomingMessage, { trustedProxies }: GateDeps): string | undefined {
  return clientAddress(req.socket.remoteAddress, forwardedFor(req), trustedProxies);
}

async function callerOf(dialect: Dialect, req: IncomingMessage, group: string, deps: GateDeps): Promise<Credential> {
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

function forwardedFor(req: IncomingMessage): string | undefined {
  // Node joins repeated headers with a comma, in the order they came.
  const value = req.headers['x-forwarded-for'];
  return Array.isArray(value) ? value.join(',') : value;
}

function refuse(failure: Failure | undefined): void {
  if (failure !== undefined) throw new FailureError(failure);
}

type Taken = { readonly schema: z.ZodType; readonly isOptional: boolean };

const nothing: Taken = { schema: z.strictObject({}).transform(() => undefined), isOptional: true };

/** Undefined when no body is looked at. One that is sent to a write is: what it asks must not be passed over. */
function bodyOf({ method, request: { body, bodyOptional } }: Route): Taken | undefined {
  if (body !== undefined) return { schema: body, isOptional: bodyOptional === true };
  return method === 'get' ? undefined : nothing;
}

function bodyReaders(route: Route): RequestHandler[] {
  const body = bodyOf(route);
  if (body === undefined) return [];
  return [readBody(route.bodyBytesMax ?? bodyBytesMaxDefault), jsonOnly, parseBody];
}

/** Only what was read tells that there is no body: its length need not be said. Where one is needed, that is what is wrong then. */
const jsonOnly: RequestHandler = (req, _res, next) => {
  const isEmpty = !Buffer.isBuffer(req.body) || req.body.length === 0;
  if (!isEmpty && !req.is(['application/json', 'application/*+json']))
    throw new FailureError(edgeFailures.mediaTypeUnsupported);
  next();
};

function answer(route: Route, deps: GateDeps): RequestHandler {
  return async (req, res) => {
    const parts = {
      params: req.params,
      query: req.query,
      body: req.body as unknown,
      rawBody: (res.locals.rawBody as string | undefined) ?? '',
      url: req.originalUrl,
    };
    const passed = res.locals.passed as Passed;
    const result = await respond(route, req, parts, passed, deps);
    if (result.events !== undefined) await deps.streams.send(res, whoseOf(passed), result.events);
    else if (result.lines !== undefined) await deps.sendLines(res.set(result.headers ?? {}), result.lines);
    else send(res, result);
  };
}

type Parts = {
  readonly params: unknown;
  readonly query: object;
  readonly body: unknown;
  readonly rawBody: string;
  readonly url: string;
};

/** Parses each part by its schema and calls the route's handler. */
async function respond(
  route: Route,
  req: IncomingMessage,
  parts: Parts,
  { caller, addressGroup: group }: Passed,
  deps: GateDeps,
): Promise<Answer> {
  const { request } = route;
  const params = request.params?.safeParse(parts.params);
  if (params?.success === false) throw new FailureError(route.paramsInvalid ?? edgeFailures.routeNotFound);
  const input = {
    params: params?.data,
    query: request.query?.parse({ ...parts.query }, inWords),
    headers: request.headers?.parse(namedHeaders(req, Object.keys(request.headers.shape)), inWords),
    body: bodyRead(route, parts.body),
    caller,
    raw: {
      method: req.method ?? '',
      url: parts.url,
      body: parts.rawBody,
      header: (name: string) => headerOf(req, name),
    },
  };
  return route.handle(input).catch(async (error: unknown) => {
    const rejected = error instanceof FailureError && error.failure.status === 401;
    // A provider signs with the secret that a tenant has given us, and a wrong one is not the fault of its address.
    if (rejected && route.noticesOf === undefined) await deps.limits.countAuthFailure(group);
    throw error;
  });
}

function bodyRead(route: Route, sent: unknown): unknown {
  const body = bodyOf(route);
  return body && readInput(body.schema, body.isOptional && sent === undefined ? {} : sent);
}

/**
 * Routes with a fixed path and a body, for the listener that asks them before express: the same gate, schemas and handler.
 * Those that answer with a stream are not among them.
 */
export function directRoutes(
  dialects: Readonly<Record<DialectName, Dialect>>,
  routes: readonly Route[],
  deps: GateDeps,
): DirectRoute[] {
  return routes
    .filter(({ path, request, responses }) => {
      const isJson = Object.values(responses).every(({ mediaType = 'application/json' }) => mediaType.endsWith('json'));
      return request.body !== undefined && !path.includes('{') && isJson;
    })
    .map((route) => directRoute(dialects[route.dialect], route, deps));
}

function directRoute(dialect: Dialect, route: Route, deps: GateDeps): DirectRoute {
  return {
    method: route.method.toUpperCase(),
    path: route.path,
    bodyBytesMax: route.bodyBytesMax ?? bodyBytesMaxDefault,
    async handle(request) {
      const { req } = request;
      const passed = await pass(dialect, route, req, deps, (logged) => (request.logged = logged));
      const leave = enter(route, req, passed, deps);
      try {
        const bytes = await request.body();
        const { text, value } = bytes.length === 0 ? { text: '', value: undefined } : parseJsonBytes(bytes);
        const parts = { params: {}, query: {}, body: value, rawBody: text, url: req.url ?? '' };
        const { status = 200, headers = {}, body } = await respond(route, req, parts, passed, deps);
        return body === undefined ? { status, headers } : { status, headers, body: stringifyJson(body) };
      } finally {
        leave();
      }
    },
    failed(error, { correlationId }) {
      const failure = failureOf(error);
      // An operational failure is answered as 503, but its cause is for the log.
      if (failure.status >= 500) logFailure(deps.logger, { error, correlationId });
      return failureAnswer(dialect, failure);
    },
  };
}

function send(res: Response, { status = 200, headers = {}, body }: Answer): void {
  res.status(status).set(headers);
  if (body === undefined) res.end();
  else res.type('application/json').send(stringifyJson(body));
}

function namedHeaders(req: IncomingMessage, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = headerOf(req, name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  // Only `set-cookie` is a list.
  return Array.isArray(value) ? value.join() : value;
}
