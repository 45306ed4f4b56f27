/** Daybook over HTTP. Whatever goes wrong is one CliError that says so. */
import type { z } from 'zod';
import { CliError } from './exit-codes';
import { printable } from './table';
import type { Connection } from './connection';

export type Json = Record<string, unknown>;
export type Query = Readonly<Record<string, string | number | undefined>>;
export type ServerEvent = { readonly event: string; readonly data: Json };

/** An answer with what a command needs of it. What it has beside that is kept. */
export type Shape = z.ZodType<Json>;
export type Download = { header(name: string): string | null; readonly chunks: AsyncGenerator<Uint8Array> };

export type Api = {
  get<Answer extends Shape>(path: string, shape: Answer, query?: Query): Promise<z.output<Answer>>;
  /** What is sent again with the same key is done once. */
  post<Answer extends Shape>(
    path: string,
    shape: Answer,
    body?: Json,
    idempotencyKey?: string,
  ): Promise<z.output<Answer>>;
  /** The body as it comes. */
  download(path: string, query: Query, signal: AbortSignal): Promise<Download>;
  /** Server-sent events of one connection, until the server or the signal ends it. */
  events(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent>;
};

/** What may pass by itself: no connection, one that was cut off, a Daybook that is busy or away. */
export class PassingError extends CliError {
  constructor(
    message: string,
    options?: ErrorOptions,
    /** When Daybook says how long to wait. */
    readonly retryAfterMs: number | null = null,
  ) {
    super(message, undefined, options);
  }
}

/** What Daybook refuses, by its code. */
export class RefusedError extends CliError {
  constructor(
    message: string,
    readonly code: string | null,
  ) {
    super(message);
  }
}

export function openApi({ url, token }: Pick<Connection, 'url' | 'token'>): Api {
  async function send(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      const headers = { Authorization: `Bearer ${token}`, ...(init.headers as Record<string, string> | undefined) };
      response = await fetch(url + path, { ...init, headers });
    } catch (cause) {
      if (init.signal?.aborted === true) throw cause;
      throw new PassingError(`cannot reach ${url}: ${reasonOf(cause)}`, { cause });
    }
    if (!response.ok) throw await refusalOf(response, path);
    return response;
  }
  const json = async (response: Response): Promise<Json> => parsed(await response.text().catch(cutOff), url);
  return {
    get: async (path, shape, query) => shaped(path, shape, await json(await send(path + queryOf(query), {}))),
    post: async (path, shape, body, idempotencyKey) =>
      shaped(path, shape, await json(await send(path, posting(body, idempotencyKey)))),
    async download(path, query, signal) {
      const response = await send(path + queryOf(query), { signal });
      return { header: (name) => response.headers.get(name), chunks: chunksOf(response) };
    },
    async *events(path, signal) {
      const response = await send(path, { signal, headers: { Accept: 'text/event-stream' } });
      yield* eventsOf(chunksOf(response));
    },
  };
}

function posting(body: Json | undefined, idempotencyKey: string | undefined): RequestInit {
  const headers = {
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
  };
  return { method: 'POST', headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  try {
    for await (const chunk of response.body) yield chunk as Uint8Array;
  } catch (cause) {
    cutOff(cause);
  }
}

function cutOff(cause: unknown): never {
  throw new PassingError(`the connection was cut off: ${reasonOf(cause)}`, { cause });
}

/** As the HTML standard writes them, as far as Daybook uses it: `event` and one line of `data`. */
async function* eventsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    const messages = rest.split('\n\n');
    rest = messages.pop() ?? '';
    for (const message of messages) {
      const event = /^event: (.*)$/m.exec(message)?.[1];
      const data = /^data: (.*)$/m.exec(message)?.[1];
      if (event !== undefined && data !== undefined) yield { event, data: parsed(data, 'the event stream') };
    }
  }
}

function parsed(text: string, from: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new CliError(`${from} does not answer as Daybook does`, undefined, { cause });
  }
}

/** As it came, in the order of its fields. What answers may be another version, or no Daybook at all. */
export function shaped<Answer extends z.ZodType>(from: string, shape: Answer, answer: unknown): z.output<Answer> {
  const issue = shape.safeParse(answer).error?.issues[0];
  if (issue === undefined) return answer as z.output<Answer>;
  const where = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `;
  throw new CliError(`${from} does not answer as Daybook does: ${where}${issue.message}`);
}

/** Of Daybook, and of a proxy that finds it away. */
const passing = [429, 502, 503, 504];

async function refusalOf(response: Response, path: string): Promise<CliError> {
  const body = (await response.json().catch(() => ({}))) as Json;
  const said = typeof body.title === 'string' ? body.title : response.statusText;
  const code = typeof body.code === 'string' ? body.code : null;
  const named = code === null ? '' : ` ${printable(code)}`;
  const message = `${path.split('?', 1)[0]} answered ${response.status}${named}: ${printable(said)}`;
  return passing.includes(response.status)
    ? new PassingError(message, undefined, retryAfterMs(response))
    : new RefusedError(message, code);
}

function retryAfterMs({ headers }: Response): number | null {
  const seconds = headers.get('Retry-After') ?? '';
  return /^\d{1,6}$/.test(seconds) ? parseInt(seconds, 10) * 1_000 : null;
}

function reasonOf(cause: unknown): string {
  const error = cause as { message?: string; cause?: { code?: string; message?: string } };
  return error.cause?.code ?? error.cause?.message ?? error.message ?? String(cause);
}

function queryOf(query: Query = {}): string {
  const set = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return set.length === 0 ? '' : `?${new URLSearchParams(set as [string, string][]).toString()}`;
}
