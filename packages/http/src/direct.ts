/**
 * Routes that are answered without express, for requests that come thousands of times a second: an exact method and path,
 * a body of JSON whose length is known, nothing to decode. Whatever is not plainly like that goes to express, where the
 * same route is mounted too, so what a request means never depends on which way it took.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { withCorrelation } from '@daybook/runtime';
import type { Observe } from './observe';

export type DirectAnswer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly body?: string;
};

export type DirectRequest = {
  readonly req: IncomingMessage;
  readonly correlationId: string;
  /** All of it. Rejects when the client goes away before. */
  body(): Promise<Buffer>;
  /** Said by the log line of the request, beside what every line says. */
  logged?: object;
};

export type DirectRoute = {
  readonly method: string;
  readonly path: string;
  /** Longer bodies are for express to refuse. */
  readonly bodyBytesMax: number;
  handle(request: DirectRequest): Promise<DirectAnswer>;
  /** The answer to what `handle` threw. */
  failed(error: unknown, request: DirectRequest): DirectAnswer;
};

export function directListener(
  routes: readonly DirectRoute[],
  {
    observe,
    headers,
    otherwise,
  }: {
    readonly observe: Observe;
    /** Of every answer. */
    readonly headers: ReadonlyMap<string, string>;
    readonly otherwise: RequestListener;
  },
): RequestListener {
  const byPlace = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]));
  const fixed = [...headers].flat();
  return (req, res) => {
    const route = byPlace.get(`${req.method} ${req.url}`);
    if (route === undefined || !isPlain(req, route.bodyBytesMax)) return otherwise(req, res);
    const request: DirectRequest = { req, correlationId: '', body: () => readBody(req) };
    const correlationId = observe(req, res, { route: () => route.path, logged: () => request.logged });
    void withCorrelation({ correlationId, causationId: correlationId }, () =>
      answer(route, Object.assign(request, { correlationId }), res, fixed),
    );
  };
}

async function answer(route: DirectRoute, request: DirectRequest, res: ServerResponse, fixed: readonly string[]) {
  let result: DirectAnswer;
  try {
    result = await route.handle(request);
  } catch (error) {
    // Nobody is there to be answered.
    if (request.req.destroyed && !request.req.readableEnded) return;
    result = route.failed(error, request);
  }
  const { status, headers = {}, contentType = 'application/json; charset=utf-8', body = '' } = result;
  const said = [...fixed, 'X-Correlation-Id', request.correlationId, 'Content-Length', `${Buffer.byteLength(body)}`];
  if (body !== '') said.push('Content-Type', contentType);
  for (const name of Object.keys(headers)) said.push(name, headers[name]!);
  res.writeHead(status, said).end(body);
}

const json = /^application\/json(; *charset=utf-8)?$/i;

function isPlain({ headers }: IncomingMessage, bodyBytesMax: number): boolean {
  const length = headers['content-length'];
  return (
    json.test(headers['content-type'] ?? '') &&
    headers['content-encoding'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    length !== undefined &&
    Number(length) <= bodyBytesMax
  );
}

function readBody(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(new Error('the client went away'));
    // It says nothing any more, also when all of it had come. One that is there is destroyed only by being read to its end.
    if (req.destroyed) return leave();
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    req.once('error', reject);
    req.once('close', () => {
      if (!req.readableEnded) leave();
    });
  });
}
