import { createHash, timingSafeEqual } from 'node:crypto';
import { assert, AssertionError, isOperationalError, OperationalError } from '@daybook/core';
import type { CallContract, CallOutcome, CallRequest } from '@daybook/contracts';
import { currentCorrelation, withCorrelation, type Component, type Logger, type Secret } from '@daybook/runtime';
import express, { type Request, type RequestHandler, type Router } from 'express';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { callQueue, WaitedTooLong, type CallAnswer, type CallQueue, type OutgoingCall } from './call-queue';
import { callSlots } from './call-slots';
import { failureOf, FailureError, faultOf, logFailure } from './problem';
import { retryAfterMs, retryBudget } from './retry-budget';

/** Largest body of a call that does not say another, in bytes. */
const bodyMaxDefault = 1_048_576;
const timeoutMsDefault = 10_000;
const connectTimeoutMs = 2_000;
/** To one service, and as many again for calls that reach outward. */
const connectionsMax = 64;

export type CallHandler = { readonly call: CallContract; readonly handle: (request: never) => Promise<unknown> };

/** Binds a call to the function that answers it. */
export function onCall<Call extends CallContract>(
  call: Call,
  handle: (request: CallRequest<Call>) => Promise<CallOutcome<Call>>,
): CallHandler {
  return { call, handle: handle as CallHandler['handle'] };
}

/** Serves calls at `POST /calls/<name>`, and batched ones at `/calls/<name>/batch` too, to those who hold a token. */
export function callRoutes(tokens: readonly Secret[], handlers: readonly CallHandler[]): Router {
  const router = express.Router();
  const authorized = requireToken(tokens);
  for (const handler of handlers) {
    const body = express.json({ limit: handler.call.bodyMax ?? bodyMaxDefault });
    router.post(`/calls/${handler.call.name}`, authorized, body, async (req, res) => {
      const correlationId = String(res.locals.correlationId);
      const causationId = req.get('x-causation-id') ?? correlationId;
      res.json(await answerOne(handler, req.body, { correlationId, causationId }));
    });
    if (handler.call.batched === true) {
      router.post(`/calls/${handler.call.name}/batch`, authorized, body, async (req, res) => {
        const calls = req.body as readonly BatchedCall[];
        res.json(await Promise.all(calls.map((call) => answerInBatch(handler, call, req))));
      });
    }
  }
  return router;
}

/** As it travels in a batch: the request and its correlation and causation ids. */
type BatchedCall = readonly [request: unknown, correlationId: string, causationId: string];
/** The status that it would have had alone, and its body. */
type BatchedAnswer = readonly [status: number, body: unknown];

function answerInBatch(handler: CallHandler, call: BatchedCall, req: Request): Promise<BatchedAnswer> {
  const [, correlationId] = call;
  return answerSafely(handler, call, (error) => {
    const logger = req.app.locals.logger as Logger | undefined;
    if (logger !== undefined) logFailure(logger, { error, correlationId, call: handler.call.name });
  });
}

async function answerSafely(
  handler: CallHandler,
  [request, correlationId, causationId]: BatchedCall,
  onFault: (error: unknown) => void,
): Promise<BatchedAnswer> {
  try {
    return [200, await answerOne(handler, request, { correlationId, causationId })];
  } catch (error) {
    const { status, code, message } = failureOf(error);
    if (status >= 500) onFault(faultOf(error));
    return [status, { status, code, title: message }];
  }
}

/**
 * Answers what a `callClient` posts, without HTTP: the other side of its `post` in a simulation. `onFault` hears of what
 * is answered with 500 and above.
 */
export function callServer(
  handlers: readonly CallHandler[],
  onFault: (error: unknown) => void,
): (path: string, call: OutgoingCall) => Promise<CallAnswer> {
  return async (path, { body, correlationId, causationId }) => {
    const [name, isBatch] = path.endsWith('/batch') ? [path.slice(0, -'/batch'.length), true] : [path, false];
    const handler = handlers.find(({ call }) => call.name === name);
    assert(handler, `nobody answers ${name}`);
    const sent: unknown = JSON.parse(body);
    if (!isBatch) {
      const [status, answer] = await answerSafely(handler, [sent, correlationId, causationId], onFault);
      return { status, body: JSON.stringify(answer) };
    }
    const answers = (sent as readonly BatchedCall[]).map((call) => answerSafely(handler, call, onFault));
    return { status: 200, body: JSON.stringify(await Promise.all(answers)) };
  };
}

async function answerOne(
  { call, handle }: CallHandler,
  request: unknown,
  correlation: { readonly correlationId: string; readonly causationId: string },
): Promise<unknown> {
  const decoded = z.decode(call.request, request as never);
  const outcome = (await withCorrelation(correlation, () => handle(decoded as never)).catch(late)) as {
    ok: boolean;
    value?: unknown;
    rejection?: string;
    replayed?: true;
    about?: string;
  };
  if (!outcome.ok) {
    const { rejection, replayed, about } = outcome;
    return { ok: false, rejection, replayed, about };
  }
  return { ok: true, value: byContract(call, 'response', () => z.encode(call.response, outcome.value as never)) };
}

/**
 * Told as 503, what took too long would be asked again, and be done when the client has long been told that it was not and
 * has asked for it under another key.
 */
function late(error: unknown): never {
  if (!isOperationalError(error) || error.code !== 'upstream_timeout') throw error;
  const message = 'What the service had to ask did not answer in time.';
  throw new FailureError({ status: 504, code: 'UPSTREAM_TIMEOUT', message }, { cause: error });
}

/** Answers 401 to whoever holds none of the tokens, before anything of the body is read. */
export function requireToken(tokens: readonly Secret[]): RequestHandler {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = tokens.map((token) => digest(`Bearer ${token.reveal()}`));
  return (req, _res, next) => {
    const presented = digest(req.get('authorization') ?? '');
    // With all of them: how long it takes does not tell which one it is.
    const equal = expected.filter((each) => timingSafeEqual(presented, each));
    if (equal.length === 0) {
      throw new FailureError({ status: 401, code: 'UNAUTHORIZED', message: 'The internal token is missing or wrong.' });
    }
    next();
  };
}

/**
 * Calls the services at `baseUrl`. A rejection is returned; anything else that is not an answer is thrown as OperationalError.
 * Every call is idempotent, so one that found no server, or was told 503, is sent again, within a budget.
 */
export type CallClient = Component &
  (<Call extends CallContract>(call: Call, request: CallRequest<Call>) => Promise<CallOutcome<Call>>);

export function callClient(options: {
  readonly baseUrl: string;
  readonly token: Secret;
  /** How long a call waits to be sent, and then for its answer. */
  readonly timeoutMs?: number;
  /** Carries calls instead of HTTP, for simulations. Rejects as `undici` does when there is no answer. */
  readonly post?: Post;
}): CallClient {
  const agent = new Agent({
    keepAliveTimeout: 30_000,
    connections: 2 * connectionsMax,
    connect: { timeout: connectTimeoutMs },
  });
  const timeoutMs = options.timeoutMs ?? timeoutMsDefault;

  async function postByHttp(path: string, body: string, correlation: Omit<OutgoingCall, 'body'>): Promise<CallAnswer> {
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${options.token.reveal()}`,
      'x-correlation-id': correlation.correlationId,
      'x-causation-id': correlation.causationId,
    };
    const response = await request(`${options.baseUrl}/calls/${path}`, {
      method: 'POST',
      body,
      headers,
      dispatcher: agent,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    return { status: response.statusCode, body: await response.body.text() };
  }

  function withSlots(): Post {
    const slots = callSlots(connectionsMax, { waitMaxMs: timeoutMs });
    return options.post ?? ((...asked) => slots(() => postByHttp(...asked)));
  }

  const [post, postOutward] = [withSlots(), withSlots()];
  const batched = batches(post, timeoutMs);
  const budget = retryBudget();

  function send(contract: CallContract, body: string): Promise<CallAnswer> {
    const outgoing = { body, ...currentCorrelation() };
    if (contract.batched === true) return batched(contract.name, outgoing);
    return (contract.outward === true ? postOutward : post)(contract.name, body, outgoing);
  }

  async function call<Call extends CallContract>(contract: Call, input: CallRequest<Call>): Promise<CallOutcome<Call>> {
    const body = bodyOf(contract, input);
    budget.called();
    for (let failures = 1; ; failures++) {
      const answer = await send(contract, body).catch(
        (cause: unknown) =>
          new OperationalError(isTimeout(cause) ? 'upstream_timeout' : 'upstream_unavailable', true, {
            cause,
            detail: contract.name,
          }),
      );
      const failed =
        answer instanceof OperationalError
          ? answer
          : answer.status === 503
            ? new OperationalError('upstream_unavailable', true, { detail: contract.name })
            : undefined;
      if (failed === undefined) return readOutcome(contract, answer as CallAnswer);
      const afterMs = retryAfterMs(failures, Math.random());
      const tookLong = failed.code === 'upstream_timeout' || failed.cause instanceof WaitedTooLong;
      if (afterMs === undefined || tookLong || !budget.mayRepeat()) throw failed;
      await new Promise((resolve) => setTimeout(resolve, afterMs));
    }
  }

  return Object.assign(call, {
    start: async () => undefined,
    stop: async () => agent.close(),
  }) as CallClient;
}

function bodyOf(contract: CallContract, input: unknown): string {
  if (contract.plain === true)
    return JSON.stringify(input, (_name, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  return JSON.stringify(byContract(contract, 'request', () => z.encode(contract.request, input as never)));
}

type Post = (path: string, body: string, correlation: Omit<OutgoingCall, 'body'>) => Promise<CallAnswer>;

/** One queue for each batched call of a service, in which a call waits for `waitMaxMs` at most. */
function batches(post: Post, waitMaxMs: number): (name: string, call: OutgoingCall) => Promise<CallAnswer> {
  const queues = new Map<string, CallQueue>();

  async function postBatch(name: string, calls: readonly OutgoingCall[]): Promise<readonly CallAnswer[]> {
    const [first] = calls;
    if (first === undefined) return [];
    if (calls.length === 1) return [await post(name, first.body, first)];
    const batch = calls.map((one) => `[${one.body},${JSON.stringify([one.correlationId, one.causationId]).slice(1)}`);
    const { status, body } = await post(`${name}/batch`, `[${batch.join(',')}]`, first);
    // What is told to the whole batch, such as that the service is not ready, is told to each.
    if (status !== 200) return calls.map(() => ({ status, body }));
    return (JSON.parse(String(body)) as BatchedAnswer[]).map(([one, answer]) => ({ status: one, body: answer }));
  }

  return (name, call) => {
    const queue = queues.get(name) ?? callQueue((calls) => postBatch(name, calls), { waitMaxMs });
    queues.set(name, queue);
    return queue(call);
  };
}

/** Not 503, after which a call is repeated at once, and not 400 and 500: faults of a program, which do not pass. */
const passing: ReadonlySet<number> = new Set([401, 403, 404, 408, 429, 502, 504]);

function readOutcome<Call extends CallContract>(contract: Call, { status, body }: CallAnswer): CallOutcome<Call> {
  // Told by what is in between, or by a service whose tokens or calls are of before: it passes, and nobody is to end for it.
  if (passing.has(status))
    throw new OperationalError(status === 504 ? 'upstream_timeout' : 'upstream_unavailable', true, {
      detail: `${contract.name} answered ${status}`,
    });
  assert(status === 200, `${contract.name} answered ${status}: ${JSON.stringify(body).slice(0, 300)}`);
  return byContract(contract, 'response', () => {
    const outcome = (typeof body === 'string' ? JSON.parse(body) : body) as {
      ok: boolean;
      value?: unknown;
      rejection?: string;
      replayed?: true;
      about?: string;
    };
    if (outcome.ok)
      return { ok: true, value: z.decode(contract.response, outcome.value as never) } as CallOutcome<Call>;
    assert(contract.rejections.includes(String(outcome.rejection)), `unknown rejection ${outcome.rejection}`);
    const { rejection, replayed, about } = outcome;
    const more = { ...(replayed === true && { replayed }), ...(about !== undefined && { about }) };
    return { ok: false, rejection, ...more } as CallOutcome<Call>;
  });
}

/** A request or an answer that breaks its contract is a bug of a service, never a fault of the client at the edge. */
function byContract<T>(contract: CallContract, part: 'request' | 'response', work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new AssertionError(`${contract.name}: the ${part} breaks the contract: ${(error as Error).message}`);
  }
}

function isTimeout(cause: unknown): boolean {
  const code = (cause as { code?: unknown } | null)?.code;
  return code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT';
}
