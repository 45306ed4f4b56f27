/**
 * HTTP to a node of a chain. Failures become OperationalErrors without their cause, which may hold the node's address and
 * its key.
 */
import { OperationalError } from '@daybook/core';
import type { Secret } from '@daybook/runtime';
import { z } from 'zod';
import { redacting } from './node-says';

const requestTimeoutMs = 15_000;
const detailLengthMax = 200;

export type NodeHttp = {
  /** The body of an answer with status 200; undefined for 404. `path` is below the node's address. */
  get(path: string): Promise<Buffer | undefined>;
  /** What a node answers to a body, whatever its status. A text is sent as it is, all else as JSON. */
  post(path: string, body: string | object): Promise<{ readonly status: number; readonly body: Buffer }>;
  /** A JSON-RPC call. Answers the node's error object where the node answers with one. */
  call(method: string, parameters: readonly unknown[]): Promise<RpcAnswer>;
};

export type RpcAnswer =
  | { readonly ok: true; readonly result: unknown }
  /** `message` is what the node said, without keys. */
  | { readonly ok: false; readonly code: number; readonly message: string };

const rpcAnswer = z.object({
  result: z.unknown().optional(),
  error: z.object({ code: z.number(), message: z.string() }).nullish(),
});

/** User and password in the address are sent as basic authorization, `extra` headers with every request. */
export function nodeHttp(secretUrl: Secret, extra: Readonly<Record<string, string>> = {}): NodeHttp {
  const url = new URL(secretUrl.reveal());
  const redact = redacting(secretUrl);
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const authorization: Record<string, string> =
    credentials === ':' ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  url.username = '';
  url.password = '';
  const base = url.href.endsWith('/') ? url.href : `${url.href}/`;

  async function send(address: string, what: string, init: RequestInit): Promise<{ status: number; body: Buffer }> {
    try {
      const headers = { ...authorization, ...extra, 'content-type': 'application/json' };
      const response = await fetch(address, { ...init, headers, signal: AbortSignal.timeout(requestTimeoutMs) });
      return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
    } catch (error) {
      const timeout = (error as { name?: unknown }).name === 'TimeoutError';
      throw new OperationalError(timeout ? 'upstream_timeout' : 'upstream_unavailable', true, {
        detail: `${what}: no answer`,
      });
    }
  }

  return {
    async get(path) {
      const { status, body } = await send(`${base}${path}`, path, {});
      if (status === 404) return undefined;
      if (status !== 200) throw contradiction(`${path}: status ${status}`);
      return body;
    },
    post: (path, body) =>
      send(`${base}${path}`, path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
    async call(method, params) {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
      // bitcoind says 404 and 500 with an error object in the body.
      const answer = await send(url.href, method, { method: 'POST', body });
      const parsed = rpcAnswer.safeParse(jsonOf(answer.body));
      if (!parsed.success) throw contradiction(`${method}: status ${answer.status}, and no answer of JSON-RPC`);
      const { result, error } = parsed.data;
      return error ? { ok: false, code: error.code, message: redact(error.message) } : { ok: true, result };
    },
  };
}

/** The node's answers do not fit together, or are not answers. Another attempt may find it consistent. */
export function contradiction(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', true, { detail: detail.slice(0, detailLengthMax) });
}

/** Of an answer that is text. `what` was asked for. */
export function jsonIn(what: string, text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    throw contradiction(`${what}: no JSON`);
  }
}

/** What an answer must look like: a node is somebody else's program. */
export function checked<Answer extends z.ZodType>(what: string, answer: Answer, raw: unknown): z.output<Answer> {
  const parsed = answer.safeParse(raw);
  if (!parsed.success) throw contradiction(`${what}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
