import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { webhookClient, type ConnectorWith, type Resolve } from '../src/adapters/webhook-client';

/** Inside the network: counts every connection, on both loopback addresses. */
let connections = 0;
let canaries: TcpServer[] = [];
let canaryPort = 0;
const open: Server[] = [];

async function receiver(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

beforeAll(async () => {
  const first = createTcpServer((socket) => (connections++, socket.destroy())).listen(0, '127.0.0.1');
  await once(first, 'listening');
  canaryPort = (first.address() as AddressInfo).port;
  canaries = [first];
});
afterAll(async () => {
  for (const server of open) server.closeAllConnections();
  await Promise.all([...canaries, ...open].map((server) => once(server.close(), 'close')));
});
beforeEach(() => {
  connections = 0;
});

const neverAborted = new AbortController().signal;
const post = (url: string, mode: 'live' | 'sandbox') => ({ url, mode, headers: {}, body: '{}', abort: neverAborted });
/** One answer after the other; the last stays. */
const answering =
  (...answers: string[][]): Resolve =>
  async () =>
    answers.length > 1 ? (answers.shift() ?? []) : (answers[0] ?? []);

describe('the webhook client', () => {
  test('connects to nothing that is not public, whatever the name resolves to', async () => {
    const inside = [
      ['127.0.0.1'],
      ['::1'],
      ['::ffff:127.0.0.1'],
      ['64:ff9b::7f00:1'],
      ['2002:7f00:1::'],
      ['0.0.0.0'],
      ['169.254.169.254'],
      ['10.0.0.1'],
      ['fd00::1'],
      ['93.184.216.34', '127.0.0.1'],
      ['127.0.0.1', '93.184.216.34'],
      ['2606:4700::1111', '::1'],
      [],
    ];
    for (const answer of inside) {
      const client = webhookClient({ allowLoopback: true, resolve: answering(answer), timeoutMs: 2_000 });
      for (const url of ['https://rebind.example/', 'https://127.0.0.1.nip.io:8443/', 'https://localhost./']) {
        expect(await client.check(url, 'live')).toBe('url_not_public');
        expect(await client.send(post(url, 'live'))).toEqual({
          ok: false,
          status: null,
          error: 'the address is not public',
        });
      }
      await client.close();
    }
    expect(connections).toBe(0);
  });

  test('judges again when it connects, so a name that changes its answer gains nothing', async () => {
    const resolve = answering(['93.184.216.34'], ['127.0.0.1']);
    const client = webhookClient({ allowLoopback: true, resolve, timeoutMs: 2_000 });
    expect(await client.check('https://rebind.example/', 'live')).toBeUndefined();
    expect(await client.send(post('https://rebind.example/', 'live'))).toMatchObject({
      error: 'the address is not public',
    });
    await client.close();
    expect(connections).toBe(0);
  });

  test('resolves once for each connection and opens the socket to that answer', async () => {
    const asked: string[] = [];
    // A documentation address would be refused, so the socket goes to one that is public but answers nobody here.
    const resolve: Resolve = async (host) => {
      asked.push(host);
      return asked.length > 1 ? ['127.0.0.1'] : ['93.184.216.34'];
    };
    const client = webhookClient({ allowLoopback: false, resolve, timeoutMs: 300 });
    expect(await client.send(post('https://pinned.example:8443/', 'live'))).toMatchObject({ ok: false });
    expect(asked).toEqual(['pinned.example']);
    await client.close();
  });

  test('refuses literal addresses at delivery too', async () => {
    const client = webhookClient({ allowLoopback: false, resolve: answering([]) });
    for (const url of [
      `http://127.0.0.1:${canaryPort}/`,
      `https://127.0.0.1:${canaryPort}/`,
      `http://[::ffff:127.0.0.1]:${canaryPort}/`,
      `http://localhost:${canaryPort}/`,
      `http://0x7f000001:${canaryPort}/`,
      `http://user:pass@127.0.0.1:${canaryPort}/`,
    ]) {
      for (const mode of ['live', 'sandbox'] as const)
        expect(await client.send(post(url, mode))).toEqual({
          ok: false,
          status: null,
          error: 'the url is not allowed',
        });
    }
    await client.close();
    expect(connections).toBe(0);
  });

  test('follows no redirect', async () => {
    const client = webhookClient({ allowLoopback: true });
    for (const status of [301, 302, 303, 307, 308]) {
      const url = await receiver((_req, res) => {
        res.writeHead(status, { location: `http://127.0.0.1:${canaryPort}/` }).end();
      });
      expect(await client.send(post(url, 'sandbox'))).toEqual({
        ok: false,
        status,
        error: `HTTP ${status}: redirects are not followed`,
      });
    }
    await client.close();
    expect(connections).toBe(0);
  });

  test('takes any 2xx for success and everything else for failure', async () => {
    const client = webhookClient({ allowLoopback: true });
    for (const status of [200, 201, 202, 204, 299]) {
      const url = await receiver((_req, res) => res.writeHead(status).end());
      expect(await client.send(post(url, 'sandbox'))).toEqual({ ok: true, status });
    }
    for (const status of [304, 400, 401, 404, 410, 429, 500, 503]) {
      const url = await receiver((_req, res) => res.writeHead(status).end());
      expect(await client.send(post(url, 'sandbox'))).toMatchObject({ ok: false, status });
    }
    await client.close();
  });

  test('reads no more of an answer than its limit, and waits no longer than its time', async () => {
    const client = webhookClient({ allowLoopback: true, timeoutMs: 400 });
    let written = 0;
    const flood = await receiver((_req, res) => {
      const pour = () => {
        while (!res.destroyed && res.write(Buffer.alloc(16_384))) written += 16_384;
      };
      res.writeHead(200).on('drain', pour);
      pour();
    });
    expect(await client.send(post(flood, 'sandbox'))).toEqual({ ok: true, status: 200 });
    expect(written).toBeLessThan(16 * 1024 * 1024);

    const silent = await receiver(() => undefined);
    const started = performance.now();
    expect(await client.send(post(silent, 'sandbox'))).toEqual({ ok: false, status: null, error: 'timed out' });
    const drip = await receiver((_req, res) => {
      res.writeHead(500).write('x');
    });
    expect(await client.send(post(drip, 'sandbox'))).toEqual({ ok: false, status: 500, error: 'HTTP 500' });
    expect(performance.now() - started).toBeLessThan(3_000);
    await client.close();
  });

  test('has a connection for every delivery that is on its way, however many go to one host', async () => {
    const client = webhookClient({ allowLoopback: true });
    const [slow, quick] = [64, 1];
    const held: ServerResponse[] = [];
    const url = await receiver((_req, res) => {
      held.push(res);
      if (held.length === slow + quick) for (const each of held) each.writeHead(200).end();
    });
    const answers = await Promise.all(Array.from({ length: slow + quick }, () => client.send(post(url, 'sandbox'))));
    expect(answers).toEqual(Array.from({ length: slow + quick }, () => ({ ok: true, status: 200 })));
    await client.close();
  });

  test('leaves time for the last address of a host, and for its answer, when the others swallow what is sent', async () => {
    const { port } = new URL(await receiver((_req, res) => res.writeHead(200).end()));
    const tried: { readonly hostname: string; readonly timeoutMs: number }[] = [];
    const connectorWith: ConnectorWith = (timeoutMs) => (options, callback) => {
      tried.push({ hostname: options.hostname, timeoutMs });
      if (tried.length < 3) callback(new Error('nothing was heard for all of the time'), null);
      else callback(null, connect(Number(port), '127.0.0.1'));
    };
    const addresses = ['93.184.216.34', '93.184.216.35', '93.184.216.36'];
    const client = webhookClient({
      allowLoopback: false,
      resolve: answering(addresses),
      connectorWith,
      timeoutMs: 8_000,
    });
    expect(await client.send(post('https://swallowing.example/', 'live'))).toEqual({ ok: true, status: 200 });
    expect(tried.map(({ hostname }) => hostname)).toEqual(addresses);
    expect(tried.map(({ timeoutMs }) => timeoutMs)).toEqual([2_000, 2_000, 2_000]);
    await client.close();
  });

  test('says what failed in words that show nothing of our network', async () => {
    const client = webhookClient({ allowLoopback: true });
    expect(await client.send(post(`http://127.0.0.1:${canaryPort}/`, 'sandbox'))).toEqual({
      ok: false,
      status: null,
      error: 'connection closed by the receiver',
    });
    expect(await client.send(post('http://127.0.0.1:1/', 'sandbox'))).toEqual({
      ok: false,
      status: null,
      error: 'connection refused',
    });
    await client.close();
  });

  test('breaks off when it is told to', async () => {
    const client = webhookClient({ allowLoopback: true });
    const abort = new AbortController();
    const url = await receiver(() => abort.abort());
    expect(await client.send({ ...post(url, 'sandbox'), abort: abort.signal })).toBe('aborted');
    await client.close();
  });
});
