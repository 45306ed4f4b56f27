import { createHash, timingSafeEqual } from 'node:crypto';
import { assert, AssertionError, OperationalError } from '@daybook/core';
import type { CallContract, CallOutcome, CallRequest } from '@daybook/contracts';
import { currentCorrelation, uuidv7, withCorrelation, type Component, type Secret } from '@daybook/runtime';
import express, { type RequestHandler, type Router } from 'express';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { FailureError } from './problem';

/** Largest body of a call. */
const bodyLimit = '1mb';
const timeoutMsDefault = 10_000;
const connectTimeoutMs = 2_000;
/** Every call is idempotent, so one that found no server, or was told 503, may be sent again. */
const retryDelaysMs = [50, 250, 1_000];

export type CallHandler = { readonly call: CallContract; readonly handle: (request: never) => Promise<unknown> };

/** Binds a call to the function that answers it. */
export function onCall<Call extends CallContract>(
  call: Call,
  handle: (request: CallRequest<Call>) => Promise<CallOutcome<Call>>,
): CallHandler {
  return { call, handle: handle as CallHandler['handle'] };
}

/** Serves calls at `POST /calls/<name>` to those who hold the internal token. */
export function callRoutes(token: Secret, handlers: readonly CallHandler[]): Router {
  const router = express.Router();
  router.use('/calls', requireToken(token), express.json({ limit: bodyLimit }));
  for (const { call, handle } of handlers) {
    router.post(`/calls/${call.name}`, async (req, res) => {
      const decoded = z.decode(call.request, req.body as never);
      const correlationId = String(res.locals.correlationId);
      const causationId = req.get('x-causation-id') ?? correlationId;
      const outcome = (await withCorrelation({ correlationId, causationId }, () => handle(decoded as never))) as {
        ok: boolean;
        value?: unknown;
        rejection?: string;
        replayed?: true;
      };
      res.json(
        outcome.ok
          ? { ok: true, value: byContract(call, 'response', () => z.encode(call.response, outcome.value as never)) }
          : { ok: false, rejection: outcome.rejection, replayed: outcome.replayed },
      );
    });
  }
  return router;
}

function requireToken(token: Secret): RequestHandler {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(`Bearer ${token.reveal()}`);
  return (req, _res, next) => {
    if (!timingSafeEqual(digest(req.get('authorization') ?? ''), expected)) {
      throw new FailureError({ status: 401, code: 'UNAUTHORIZED', message: 'The internal token is missing or wrong.' });
    }
    next();
  };
}

/** Calls the services at `baseUrl`. A rejection is returned; anything else that is not an answer is thrown as OperationalError. */
export type CallClient = Component &
  (<Call extends CallContract>(call: Call, request: CallRequest<Call>) => Promise<CallOutcome<Call>>);

export function callClient(options: {
  readonly baseUrl: string;
  readonly token: Secret;
  readonly timeoutMs?: number;
}): CallClient {
  const agent = new Agent({ keepAliveTimeout: 30_000, connections: 64, connect: { timeout: connectTimeoutMs } });
  const timeoutMs = options.timeoutMs ?? timeoutMsDefault;

  async function send(name: string, body: string): Promise<{ status: number; text: string }> {
    const { correlationId, causationId } = currentCorrelation(uuidv7());
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${options.token.reveal()}`,
      'x-correlation-id': correlationId,
      'x-causation-id': causationId,
    };
    const response = await request(`${options.baseUrl}/calls/${name}`, {
      method: 'POST',
      body,
      headers,
      dispatcher: agent,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    return { status: response.statusCode, text: await response.body.text() };
  }

  async function call<Call extends CallContract>(contract: Call, input: CallRequest<Call>): Promise<CallOutcome<Call>> {
    const body = JSON.stringify(byContract(contract, 'request', () => z.encode(contract.request, input as never)));
    for (let attempt = 0; ; attempt++) {
      const answer = await send(contract.name, body).catch(
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
      if (failed === undefined) return readOutcome(contract, answer as { status: number; text: string });
      const delay = retryDelaysMs[attempt];
      if (delay === undefined || failed.code === 'upstream_timeout') throw failed;
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }

  return Object.assign(call, {
    start: async () => undefined,
    stop: async () => agent.close(),
  }) as CallClient;
}

function readOutcome<Call extends CallContract>(
  contract: Call,
  answer: { status: number; text: string },
): CallOutcome<Call> {
  assert(answer.status === 200, `${contract.name} answered ${answer.status}: ${answer.text.slice(0, 300)}`);
  return byContract(contract, 'response', () => {
    const outcome = JSON.parse(answer.text) as { ok: boolean; value?: unknown; rejection?: string; replayed?: true };
    if (outcome.ok)
      return { ok: true, value: z.decode(contract.response, outcome.value as never) } as CallOutcome<Call>;
    assert(contract.rejections.includes(String(outcome.rejection)), `unknown rejection ${outcome.rejection}`);
    const { rejection, replayed } = outcome;
    return { ok: false, rejection, ...(replayed === true ? { replayed } : {}) } as CallOutcome<Call>;
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
