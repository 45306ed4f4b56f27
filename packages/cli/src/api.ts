/** Daybook over HTTP. Whatever goes wrong is one CliError that says so. */
import { CliError } from './exit-codes';
import { printable } from './table';
import type { Connection } from './connection';

export type Json = Record<string, unknown>;
export type Query = Readonly<Record<string, string | number | undefined>>;
export type ServerEvent = { readonly event: string; readonly data: Json };

export type Api = {
  get(path: string, query?: Query): Promise<Json>;
  post(path: string, body?: Json): Promise<Json>;
  /** The body as it comes. */
  download(path: string, query?: Query): AsyncGenerator<Uint8Array>;
  /** Server-sent events of one connection, until the server or the signal ends it. */
  events(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent>;
};

export function openApi({ url, token }: Connection): Api {
  async function send(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      const headers = { Authorization: `Bearer ${token}`, ...(init.headers as Record<string, string> | undefined) };
      response = await fetch(url + path, { ...init, headers });
    } catch (cause) {
      if (init.signal?.aborted === true) throw cause;
      throw new CliError(`cannot reach ${url}: ${reasonOf(cause)}`, undefined, { cause });
    }
    if (!response.ok) throw await refusalOf(response, path);
    return response;
  }
  const json = async (response: Response): Promise<Json> => {
    try {
      return (await response.json()) as Json;
    } catch (cause) {
      throw new CliError(`${url} does not answer as Daybook does`, undefined, { cause });
    }
  };
  return {
    get: async (path, query) => json(await send(path + queryOf(query), {})),
    post: async (path, body) =>
      json(
        await send(path, {
          method: 'POST',
          ...(body === undefined
            ? {}
            : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
        }),
      ),
    async *download(path, query) {
      const response = await send(path + queryOf(query), {});
      yield* chunksOf(response);
    },
    async *events(path, signal) {
      const response = await send(path, { signal, headers: { Accept: 'text/event-stream' } });
      yield* eventsOf(chunksOf(response));
    },
  };
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  try {
    for await (const chunk of response.body) yield chunk as Uint8Array;
  } catch (cause) {
    throw new CliError(`the connection was cut off: ${reasonOf(cause)}`, undefined, { cause });
  }
}

/** As the HTML standard writes them, as far as Daybook uses it: `event` and one line of `data`. */
export async function* eventsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    const messages = rest.split('\n\n');
    rest = messages.pop() ?? '';
    for (const message of messages) {
      const event = /^event: (.*)$/m.exec(message)?.[1];
      const data = /^data: (.*)$/m.exec(message)?.[1];
      if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) as Json };
    }
  }
}

async function refusalOf(response: Response, path: string): Promise<CliError> {
  const body = (await response.json().catch(() => ({}))) as Json;
  const said = typeof body.title === 'string' ? body.title : response.statusText;
  const code = typeof body.code === 'string' ? ` ${body.code}` : '';
  return new CliError(`${path.split('?', 1)[0]} answered ${response.status}${code}: ${printable(said)}`);
}

function reasonOf(cause: unknown): string {
  const error = cause as { message?: string; cause?: { code?: string; message?: string } };
  return error.cause?.code ?? error.cause?.message ?? error.message ?? String(cause);
}

function queryOf(query: Query = {}): string {
  const set = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return set.length === 0 ? '' : `?${new URLSearchParams(set as [string, string][]).toString()}`;
}
