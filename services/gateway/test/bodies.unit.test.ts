import type { Server } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import type { Dialect } from '../src/http/dialect';
import { route, type Route } from '../src/http/route';
import { dialects } from '../src/http/routes';
import { serveRoutes } from './served-routes';

const ok = { 200: { description: 'Done.', schema: z.unknown() } };
const handled = jest.fn(async ({ body }: { readonly body: unknown }) => ({ body: { body: body ?? null } }));

/** Of each dialect, writes that take no body, one that may be left out, and one that needs it, the last two also directly. */
const routes: Route[] = Object.values(dialects).flatMap(({ name, basePath }) => {
  const common = { dialect: name, summary: '', description: '', access: 'public', responses: ok } as const;
  const nothing = ['post', 'put', 'delete'] as const;
  const dryRun = z.strictObject({ dry_run: z.boolean().default(false) });
  const optional = { query: z.strictObject({}), body: dryRun, bodyOptional: true } as const;
  const needed = { query: z.strictObject({}), body: dryRun } as const;
  return [
    ...nothing.map((method) =>
      route({ ...common, method, path: `${basePath}/things/{id}`, request: {}, handle: handled }),
    ),
    route({ ...common, method: 'get', path: `${basePath}/things/{id}`, request: {}, handle: handled }),
    route({ ...common, method: 'post', path: `${basePath}/things`, request: optional, handle: handled }),
    route({ ...common, method: 'post', path: `${basePath}/needs`, request: needed, handle: handled }),
  ];
});

let server: Server;
let url: string;

beforeAll(async () => {
  ({ server, url } = await serveRoutes(routes, { authenticate: async () => undefined }));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => handled.mockClear());

const json = { 'Content-Type': 'application/json' };
async function send(
  method: string,
  path: string,
  body?: string | Buffer | ReadableStream<Uint8Array>,
  headers: Record<string, string> = json,
) {
  const response = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body }), ...duplex });
  const type = response.headers.get('content-type') ?? '';
  return { status: response.status, type, body: (await response.json()) as unknown };
}
/** Says that a stream is sent before the answer is read. */
const duplex = { duplex: 'half' } as const;

const each = Object.values(dialects).map((dialect) => [dialect.name, dialect] as const);

/** The dialect's own answer to what is wrong with a request. */
function refusal(dialect: Dialect, status: number, code: string, message: string, field?: string) {
  const body = dialect.errorBody({ status, code, message, ...(field === undefined ? {} : { field }) });
  return { status, type: expect.stringContaining(dialect.errorMediaType), body: JSON.parse(JSON.stringify(body)) };
}

describe.each(each)('a write of %s without a body of its own', (_name, dialect) => {
  const path = `${dialect.basePath}/things/1`;

  test.each(['POST', 'PUT', 'DELETE'])('as %s is done when nothing is sent, or an empty object', async (method) => {
    expect((await send(method, path, undefined, {})).status).toBe(200);
    expect((await send(method, path, '{}')).status).toBe(200);
    expect(handled).toHaveBeenCalledTimes(2);
    for (const [input] of handled.mock.calls) expect(input.body).toBeUndefined();
  });

  test.each(['POST', 'PUT', 'DELETE'])('as %s is not done when a field is sent, which is named', async (method) => {
    expect(await send(method, path, '{"dry_run":true}')).toEqual(
      refusal(dialect, 400, 'INVALID_REQUEST', 'dry_run: is not a known field', 'dry_run'),
    );
    expect(handled).not.toHaveBeenCalled();
  });

  test.each(['[]', 'null', '7', '"text"', '{', ' ', '{"a":1,"a":1}'])('is not done with %s', async (sent) => {
    expect(await send('POST', path, sent)).toMatchObject({ status: 400 });
    expect(handled).not.toHaveBeenCalled();
  });

  test('is not done with a body of another media type, or of none', async () => {
    const message = 'Content-Type must be application/json.';
    const unsupported = refusal(dialect, 415, 'UNSUPPORTED_MEDIA_TYPE', message);
    expect(await send('POST', path, '{}', { 'Content-Type': 'text/plain' })).toEqual(unsupported);
    expect(await send('POST', path, Buffer.from('{}'), {})).toEqual(unsupported);
    expect(handled).not.toHaveBeenCalled();
  });

  test('is not done with a number, which is told to be no object', async () => {
    const message = 'the body must be a JSON object';
    for (const at of [path, `${dialect.basePath}/things`])
      expect(await send('POST', at, '7')).toEqual(refusal(dialect, 400, 'INVALID_REQUEST', message));
  });

  test('is not done with a body in an encoding that is not known', async () => {
    const message = 'Content-Encoding must be gzip, deflate or br, or none at all.';
    const unsupported = refusal(dialect, 415, 'UNSUPPORTED_MEDIA_TYPE', message);
    expect(await send('POST', path, '{}', { ...json, 'Content-Encoding': 'foo' })).toEqual(unsupported);
    expect(handled).not.toHaveBeenCalled();
  });

  test('is not done with a body that is too large', async () => {
    const sent = JSON.stringify({ padding: 'x'.repeat(1_048_576) });
    expect(await send('POST', path, sent)).toMatchObject({ status: 413 });
    expect(handled).not.toHaveBeenCalled();
  });

  // The second of these would be answered before express if it were plain.
  test.each([`${dialect.basePath}/things/1`, `${dialect.basePath}/things`])(
    'is not done with a small body at %s that would be too large when it is decompressed',
    async (at) => {
      const sent = gzipSync(Buffer.alloc(100 * 1_048_576, ' '));
      expect(sent.length).toBeLessThan(200_000);
      expect(await send('POST', at, sent, { ...json, 'Content-Encoding': 'gzip' })).toMatchObject({ status: 413 });
      expect(handled).not.toHaveBeenCalled();
    },
  );

  test('is done with a body of an unknown length that turns out to be empty', async () => {
    const none = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
    expect((await send('POST', path, none, {})).status).toBe(200);
  });
});

describe.each(each)('a body of %s that may be left out', (_name, dialect) => {
  // The first way is taken by express, the second before it.
  test.each(['application/json;charset="utf-8"', 'application/json'])('is read when it is sent: %s', async (type) => {
    const path = `${dialect.basePath}/things`;
    const headers = { 'Content-Type': type };
    expect(await send('POST', path, '', headers)).toMatchObject({ status: 200, body: { body: { dry_run: false } } });
    expect(await send('POST', path, '{"dry_run":true}', headers)).toMatchObject({ body: { body: { dry_run: true } } });
    expect(await send('POST', path, '{"dryRun":true}', headers)).toEqual(
      refusal(dialect, 400, 'INVALID_REQUEST', 'dryRun: is not a known field', 'dryRun'),
    );
    expect(handled).toHaveBeenCalledTimes(2);
  });
});

describe.each(each)('a body of %s that is needed', (_name, dialect) => {
  const path = `${dialect.basePath}/needs`;

  /** As curl does it: `fetch` says that the length is nothing. */
  async function sendNone(header: string): Promise<string> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(`POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\n${header}Connection: close\r\n\r\n`);
    return text(socket);
  }

  test.each([
    'Content-Type: application/json\r\n',
    '',
    'Content-Length: 0\r\n',
    'Content-Type: application/json\r\nContent-Length: 0\r\n',
  ])('and is not sent is what is said, with %j', async (header) => {
    const answered = await sendNone(header);
    expect(answered).toMatch(/^HTTP\/1\.1 400 /);
    expect(answered).toContain('the body must be a JSON object');
    expect(handled).not.toHaveBeenCalled();
  });

  test('and has another media type is not looked at', async () => {
    expect(await send('POST', path, '{}', { 'Content-Type': 'text/plain' })).toMatchObject({ status: 415 });
    expect(handled).not.toHaveBeenCalled();
  });
});
