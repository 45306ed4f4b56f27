import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { defineCall, minorUnits, type CallContract, type CallOutcome } from '@daybook/contracts';
import { currentCorrelation, Secret, withCorrelation } from '@daybook/runtime';
import { OperationalError } from '@daybook/core';
import { eventually, gate, testLogger, testMetrics } from '@daybook/testing';
import express, { type Express } from 'express';
import { Agent, request } from 'undici';
import { z } from 'zod';
import { callClient, callRoutes, createApp, httpServer, onCall, type CallHandler, type HttpServer } from '../src/index';

const token = new Secret('the-internal-token-of-these-tests');
const double = defineCall({
  name: 'tests.double',
  request: z.strictObject({ amount: minorUnits }),
  response: z.object({ amount: minorUnits }),
  rejections: ['too_large'],
});
const doubling = onCall(double, async ({ amount }): Promise<CallOutcome<typeof double>> =>
  amount > 100n ? { ok: false, rejection: 'too_large' } : { ok: true, value: { amount: amount * 2n } },
);

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
});

async function serve(listener: RequestListener): Promise<HttpServer> {
  const server = httpServer(listener, { host: '127.0.0.1', port: 0 });
  await server.start();
  running.push(server);
  return server;
}

async function service(handlers: readonly CallHandler[], before?: express.RequestHandler, tokens = [token]) {
  const log = testLogger();
  const ready = { reason: undefined as string | undefined };
  const app = createApp({
    logger: log.logger,
    metrics: testMetrics(),
    notReady: () => ready.reason,
    routes: (routes) => {
      if (before !== undefined) routes.use(before);
      routes.use(callRoutes(tokens, handlers));
      routes.get('/away', () => {
        throw new OperationalError('store_unavailable', true);
      });
      routes.get('/boom/:id', () => {
        throw new TypeError('a secret detail');
      });
    },
  });
  const server = await serve(app);
  return { url: server.url, log, ready, stop: () => server.stop() };
}

function clientOf(baseUrl: string, more: { token?: Secret; timeoutMs?: number } = {}) {
  const client = callClient({ baseUrl, token, ...more });
  running.push(client);
  return client;
}

/** A balancer: each connection goes to the server that there is when it is opened. */
async function frontOf(target: () => string): Promise<string> {
  const balancer = createServer((socket) => {
    const { hostname, port } = new URL(target());
    const behind = connect({ host: hostname, port: Number(port) });
    socket.pipe(behind).pipe(socket);
    for (const end of [socket, behind]) end.on('error', () => [socket, behind].forEach((each) => each.destroy()));
  }).listen(0, '127.0.0.1');
  await once(balancer, 'listening');
  running.unshift({ stop: async () => void balancer.close() });
  return `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`;
}

describe('calls', () => {
  test('carry bigints, rejections and the correlation', async () => {
    const { url, log } = await service([doubling]);
    const client = clientOf(url);
    const correlation = { correlationId: 'corr-1', causationId: 'cause-1' };
    const amount = 9_007_199_254_740_993n;
    expect(await withCorrelation(correlation, () => client(double, { amount: 21n }))).toEqual({
      ok: true,
      value: { amount: 42n },
    });
    expect(await client(double, { amount })).toEqual({ ok: false, rejection: 'too_large' });
    expect(log.lines.find(({ correlationId }) => correlationId === 'corr-1')).toMatchObject({ status: 200 });
  });

  test('that are batched travel together, and each gets its own answer', async () => {
    const asked: { path: string; status: number }[] = [];
    let refused = false;
    const seen = new Map<bigint, string>();
    const handler = onCall({ ...double, batched: true }, async ({ amount }): Promise<CallOutcome<typeof double>> => {
      seen.set(amount, currentCorrelation('none').correlationId);
      if (amount === 7n) throw new TypeError('a secret detail');
      if (amount === 8n && !refused) {
        refused = true;
        throw new OperationalError('store_unavailable', true);
      }
      return amount > 90n ? { ok: false, rejection: 'too_large' } : { ok: true, value: { amount: amount * 2n } };
    });
    const { url, log } = await service([handler], (req, res, next) => {
      res.once('close', () => asked.push({ path: req.path, status: res.statusCode }));
      next();
    });
    const client = clientOf(url);
    const amounts = Array.from({ length: 100 }, (_, index) => BigInt(index));
    const answers = await Promise.allSettled(
      amounts.map((amount) =>
        withCorrelation({ correlationId: `corr-${amount}`, causationId: 'c' }, () => client(handler.call, { amount })),
      ),
    );
    for (const [index, answer] of answers.entries()) {
      if (index === 7) expect(answer).toMatchObject({ status: 'rejected', reason: { name: 'AssertionError' } });
      else if (index > 90)
        expect(answer).toEqual({ status: 'fulfilled', value: { ok: false, rejection: 'too_large' } });
      else expect(answer).toEqual({ status: 'fulfilled', value: { ok: true, value: { amount: BigInt(index * 2) } } });
      expect(seen.get(BigInt(index))).toBe(`corr-${index}`);
    }
    expect(asked.length).toBeLessThan(10);
    const failed = log.lines.filter(({ msg }) => msg === 'request failed');
    const told = failed.map(({ level, call, correlationId }) => [level, call, correlationId]);
    expect(told.toSorted()).toEqual([
      ['error', 'tests.double', 'corr-7'],
      ['warn', 'tests.double', 'corr-8'],
    ]);
  });

  test.each([
    ['no token', {}],
    ['a wrong token', { authorization: 'Bearer wrong' }],
    ['the token in another scheme', { authorization: `Basic ${token.reveal()}` }],
  ])('with %s are 401', async (_name, headers) => {
    const { url } = await service([doubling]);
    const response = await fetch(`${url}/calls/tests.double`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"amount":"1"}',
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'UNAUTHORIZED' });
  });

  test.each([
    ['the only one', [1], 1, 200],
    ['the first of two', [1, 2], 1, 200],
    ['the second of two', [1, 2], 2, 200],
    ['neither of two', [1, 2], 3, 401],
    ['one that is not accepted any more', [1], 2, 401],
    ['both', [1, 2], '1, Bearer 2', 401],
    ['one where none is accepted', [], 1, 401],
    ['nothing', [1, 2], '', 401],
  ])('by tokens: %s', async (_name, accepted, sent, status) => {
    const tokens = accepted.map((each) => new Secret(String(each)));
    const { url } = await service([doubling], undefined, tokens);
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${sent}` };
    const response = await fetch(`${url}/calls/tests.double`, { method: 'POST', headers, body: '{"amount":"1"}' });
    expect(response.status).toBe(status);
  });

  test('go on while the token is replaced, one side after the other', async () => {
    const [old, next] = [new Secret('old'), new Secret('next')];
    const [served, failed]: [number[], unknown[]] = [[], []];
    let answered = 0;
    const counting: express.RequestHandler = (_req, res, passOn) => {
      res.once('close', () => served.push(res.statusCode));
      passOn();
    };
    const serving = (...tokens: Secret[]) => service([doubling], counting, tokens);
    let server = await serving(old);
    const front = await frontOf(() => server.url);

    /** A process that calls. It ends when its last call has. */
    function calling(sent: Secret) {
      const client = clientOf(front, { token: sent });
      let isOver = false;
      const callers = Array.from({ length: 4 }, async () => {
        while (!isOver)
          await client(double, { amount: 1n }).then(
            () => answered++,
            (error: unknown) => failed.push(error),
          );
      });
      return async () => {
        isOver = true;
        await Promise.all(callers);
      };
    }
    /** As much again is asked before the next step. */
    const askOn = async () => {
      const enough = answered + 50;
      await eventually(() => expect(answered).toBeGreaterThan(enough), { timeoutMs: 10_000 });
    };
    const replaceServer = async (...tokens: Secret[]) => {
      const before = server;
      server = await serving(...tokens);
      await before.stop();
      await askOn();
    };

    const endFirst = calling(old);
    await askOn();
    await replaceServer(old, next);
    const endSecond = calling(next);
    await askOn();
    await endFirst();
    await replaceServer(next, old);
    await replaceServer(next);
    await endSecond();
    expect(failed).toEqual([]);
    expect(new Set(served)).toEqual(new Set([200]));
    await expect(clientOf(front, { token: old })(double, { amount: 1n })).rejects.toThrow('answered 401');
  });

  test('that are told 503 are sent again', async () => {
    let refused = 0;
    const { url } = await service([doubling], (req, res, next) => {
      if (!req.path.startsWith('/calls') || refused === 2) return next();
      refused++;
      res.status(503).json({});
    });
    expect(await clientOf(url)(double, { amount: 1n })).toEqual({ ok: true, value: { amount: 2n } });
    expect(refused).toBe(2);
  });

  test('that a service of before does not serve fail as unavailable, and are not sent again', async () => {
    let asked = 0;
    const { url } = await service([], (_req, _res, next) => {
      asked++;
      next();
    });
    await expect(clientOf(url)(double, { amount: 1n })).rejects.toMatchObject({
      code: 'upstream_unavailable',
      message: 'upstream_unavailable: tests.double answered 404',
    });
    expect(asked).toBe(1);
  });

  test('that find no server are sent again, and then fail as unavailable', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(clientOf(`http://127.0.0.1:${port}`)(double, { amount: 1n })).rejects.toMatchObject({
      code: 'upstream_unavailable',
      retryable: true,
    });
  });

  test('that get no answer in time fail as timed out, and are not sent again', async () => {
    let asked = 0;
    const { url } = await service([doubling], (req, _res, next) => {
      if (!req.path.startsWith('/calls')) return next();
      asked++;
    });
    await expect(clientOf(url, { timeoutMs: 100 })(double, { amount: 1n })).rejects.toMatchObject({
      code: 'upstream_timeout',
    });
    expect(asked).toBe(1);
  });

  test('that have waited for too long are unavailable, and not sent at all', async () => {
    let asked = 0;
    const { url } = await service([], (req, _res, next) => {
      if (req.path.startsWith('/calls')) asked++;
      next();
    });
    const client = clientOf(url, { timeoutMs: 0 });
    const refused = { code: 'upstream_unavailable', retryable: true, cause: { name: 'WaitedTooLong' } };
    await expect(client({ ...double, batched: true }, { amount: 1n })).rejects.toMatchObject(refused);
    expect(asked).toBe(0);
  });

  test('wait for a connection no longer than for an answer, and are not sent after that', async () => {
    let asked = 0;
    const { url } = await service([], (req, _res, next) => {
      if (!req.path.startsWith('/calls')) return next();
      asked++;
    });
    const client = clientOf(url, { timeoutMs: 300 });
    const calls = Array.from({ length: 70 }, () => client(double, { amount: 1n }).catch((error: unknown) => error));
    const codes = (await Promise.all(calls)).map((error) => (error as OperationalError).code);
    const count = (wanted: string) => codes.filter((code) => code === wanted).length;
    expect([asked, count('upstream_timeout'), count('upstream_unavailable')]).toEqual([64, 64, 6]);
  });

  test('that reach outward wait for each other, and make none wait that does not', async () => {
    const outward = defineCall({ ...double, name: 'tests.outward', outward: true });
    const [hanging, ended] = [gate(), gate()];
    let asked = 0;
    const { url } = await service([
      doubling,
      onCall(outward, async ({ amount }) => {
        if (++asked === 64) hanging.open();
        await ended.opened;
        return { ok: true, value: { amount } };
      }),
    ]);
    const client = clientOf(url);
    const calls = Array.from({ length: 65 }, () => client(outward, { amount: 1n }));
    await hanging.opened;
    expect(await client(double, { amount: 1n })).toEqual({ ok: true, value: { amount: 2n } });
    expect(asked).toBe(64);
    ended.open();
    expect(await Promise.all(calls)).toHaveLength(65);
  });

  test('whose service was not answered in time itself are not sent again', async () => {
    let asked = 0;
    const slow = onCall(double, async () => {
      asked++;
      throw new OperationalError('upstream_timeout', true, { detail: 'a node' });
    });
    const { url, log } = await service([slow]);
    await expect(clientOf(url)(double, { amount: 1n })).rejects.toMatchObject({ code: 'upstream_timeout' });
    expect(asked).toBe(1);
    expect(log.lines.filter(({ msg }) => msg === 'request failed')).toMatchObject([{ level: 'warn' }]);
  });

  test.each([
    ['a value', { ok: true, value: { amount: 7 } }],
    ['a rejection', { ok: false, rejection: 'unheard_of' }],
    ['no JSON', 'nonsense'],
  ])('whose answer breaks the contract by %s are a bug, not bad input', async (_name, answer) => {
    const app = express();
    app.post('/calls/tests.double', (_req, res) => void res.send(answer));
    const { url } = await serve(app);
    await expect(clientOf(url)(double, { amount: 1n })).rejects.toMatchObject({ name: 'AssertionError' });
  });

  test.each([
    [401, 'upstream_unavailable'],
    [404, 'upstream_unavailable'],
    [429, 'upstream_unavailable'],
    [502, 'upstream_unavailable'],
    [504, 'upstream_timeout'],
    [400, undefined],
    [500, undefined],
  ])('answered %i are %s: a fault of the world passes, one of a program does not', async (status, code) => {
    const app = express();
    app.post('/calls/tests.double', (_req, res) => void res.status(status).json({}));
    const { url } = await serve(app);
    const error = await clientOf(url)(double, { amount: 1n }).catch((failed: unknown) => failed);
    expect(error).toMatchObject({
      name: code === undefined ? 'AssertionError' : 'OperationalError',
      message: expect.stringContaining(`tests.double answered ${status}`),
      ...(code !== undefined && { code, retryable: true }),
    });
  });

  test('that break the contract are not sent', async () => {
    const { url, log } = await service([doubling]);
    await expect(clientOf(url)(double, { amount: -1n })).rejects.toMatchObject({ name: 'AssertionError' });
    expect(log.lines).toEqual([]);
  });

  test('answered against the contract by a handler are 500 there', async () => {
    const loose = double as unknown as CallContract;
    const { url, log } = await service([onCall(loose, async () => ({ ok: true, value: { amount: 'x' } }) as never)]);
    await expect(clientOf(url)(double, { amount: 1n })).rejects.toMatchObject({ name: 'AssertionError' });
    expect(log.lines.map(({ msg }) => msg)).toContain('request failed');
  });
});

describe('a server that stops', () => {
  test('answers what it was asked, and takes no more from clients that keep their connections busy', async () => {
    const [stopAt, enough] = [30, 300];
    let [asked, answered, refused] = [0, 0, 0];
    let stopped: Promise<void> | undefined;
    const routes = (to: Express) =>
      to.get('/slow', (_req, res) => {
        // In the middle of requests; half of the answers have begun by then.
        if (++asked === stopAt) stopped = server.stop();
        if (asked % 2 === 0) res.write('do');
        else setImmediate(() => res.write('do'));
        setTimeout(() => res.end('ne'), 2 + (asked % 7));
      });
    const app = createApp({ logger: testLogger().logger, metrics: testMetrics(), notReady: () => undefined, routes });
    const server = await serve(app);
    const { url } = server;
    const client = async () => {
      const agent = new Agent({ connections: 1, keepAliveTimeout: 60_000 });
      for (let isAnswered = true; isAnswered && answered < enough;) {
        isAnswered = await request(`${url}/slow`, { dispatcher: agent }).then(
          async ({ body }) => (await body.text()) === 'done',
          () => false,
        );
        if (isAnswered) answered++;
        else refused++;
      }
      await agent.destroy();
    };
    await Promise.all(Array.from({ length: 5 }, client));
    await stopped;
    // What was asked before the stop, and at most one more of each that had promised to keep its connection.
    expect(answered).toBe(asked);
    expect(asked).toBeLessThanOrEqual(stopAt + 5);
    expect(refused).toBe(5);
  });
});

test('a server waits ten seconds for headers and thirty for a body, and gives up whoever sends them slowly', async () => {
  const begun: string[] = [];
  const { url } = await serve((req, res) => {
    begun.push(req.url ?? '');
    req.resume().once('end', () => res.end());
  });
  const { hostname, port } = new URL(url);
  const slow = (head: string) =>
    new Promise<string>((resolve) => {
      let answer = '';
      const socket = connect(Number(port), hostname, () => socket.write(head));
      socket.on('data', (data) => (answer += data.toString())).on('error', () => undefined);
      running.push({ stop: async () => void socket.destroy() });
      // A byte a second, for ever: that something comes must not be enough.
      const dripping = setInterval(() => socket.write('a'), 1_000);
      socket.once('close', () => {
        clearInterval(dripping);
        resolve(answer.split('\r\n')[0] ?? '');
      });
    });
  const ended: string[] = [];
  // The body first: when both are given up in one look, it is the first of the two.
  const body = slow(`POST /body HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: 1000\r\n\r\n`).finally(() =>
    ended.push('body'),
  );
  const headers = slow(`GET /headers HTTP/1.1\r\nHost: ${hostname}\r\nX-Slow: `).finally(() => ended.push('headers'));
  expect(await Promise.all([headers, body])).toEqual(Array(2).fill('HTTP/1.1 408 Request Timeout'));
  expect(ended).toEqual(['headers', 'body']);
  expect(begun).toEqual(['/body']);
}, 60_000);

describe('createApp', () => {
  test('has probes, and is ready when nothing keeps it', async () => {
    const { url, ready } = await service([]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    ready.reason = 'starting';
    const refused = await fetch(`${url}/readyz`);
    expect([refused.status, await refused.json()]).toEqual([503, { status: 'not ready', reason: 'starting' }]);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('http_request_duration_seconds_count{method="GET",route="/healthz",status="200"');
  });

  test('asks once for all who ask its probes at the same time', async () => {
    let asked = 0;
    let answer!: () => void;
    const app = createApp({
      logger: testLogger().logger,
      metrics: testMetrics(),
      notReady: () => {
        asked += 1;
        return new Promise((resolve) => (answer = () => resolve(undefined)));
      },
      routes: () => undefined,
    });
    let arrived = 0;
    const { url } = await serve((req, res) => {
      app(req, res);
      arrived += 1;
    });
    const probes = Array.from({ length: 5 }, () => fetch(`${url}/readyz`));
    await eventually(() => expect(arrived).toBe(5), { timeoutMs: 5_000 });
    expect(asked).toBe(1);
    answer();
    expect((await Promise.all(probes)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const next = fetch(`${url}/readyz`);
    await eventually(() => expect(asked).toBe(2), { timeoutMs: 5_000 });
    answer();
    expect((await next).status).toBe(200);
  });

  test('writes down that a client went away before there was an answer', async () => {
    const { url, log } = await service([], (req, _res, next) => {
      if (req.path !== '/slow') next();
    });
    const client = new AbortController();
    const given = fetch(`${url}/slow`, { signal: client.signal }).catch(() => undefined);
    await fetch(`${url}/healthz`);
    client.abort();
    await given;
    await eventually(() => expect(log.lines.map(({ path, status }) => [path, status])).toContainEqual(['/slow', 499]), {
      timeoutMs: 5_000,
    });
  });

  test('writes one line a request, without the query, and keeps the correlation id of the caller', async () => {
    const { url, log } = await service([]);
    const response = await fetch(`${url}/healthz?token=canary`, { headers: { 'X-Correlation-Id': 'corr-7' } });
    expect(response.headers.get('x-correlation-id')).toBe('corr-7');
    await response.text();
    expect(log.lines).toEqual([
      expect.objectContaining({
        msg: 'request',
        method: 'GET',
        path: '/healthz',
        status: 200,
        correlationId: 'corr-7',
      }),
    ]);
    expect(JSON.stringify(log.lines)).not.toContain('canary');
  });

  test.each(['a b', 'x'.repeat(101), '{"a":1}', 'é'])('makes its own correlation id instead of %j', async (given) => {
    const { url } = await service([]);
    const made = (await fetch(`${url}/healthz`, { headers: { 'X-Correlation-Id': given } })).headers.get(
      'x-correlation-id',
    );
    expect(made).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('answers problem+json without detail, and logs the error once', async () => {
    const { url, log } = await service([]);
    const failed = await fetch(`${url}/boom/1`);
    expect([failed.status, failed.headers.get('content-type')]).toEqual([
      500,
      'application/problem+json; charset=utf-8',
    ]);
    expect(await failed.text()).not.toContain('secret');
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect((await fetch(`${url}/away`)).status).toBe(503);
    expect(log.lines.filter(({ msg }) => msg === 'request failed').map(({ level }) => level)).toEqual([
      'error',
      'warn',
    ]);
    const missing = await fetch(`${url}/nothing`);
    expect([missing.status, await missing.json()]).toMatchObject([
      404,
      { code: 'NOT_FOUND', type: '/problems/not-found' },
    ]);
  });

  test('forbids caching and framing, and does not name its framework', async () => {
    const { url } = await service([]);
    const { headers } = await fetch(`${url}/healthz`);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-powered-by')).toBeNull();
  });
});
