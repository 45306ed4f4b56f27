/** What a request holds is given back when its client leaves, and nobody without a credential holds it from those with one. */
import { EventEmitter, once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { testLogger } from '@daybook/testing';
import { z } from 'zod';
import type { Credential } from '../src/app/credential';
import { bodyRoom, type BodyRoom } from '../src/http/body-room';
import { route, type Route } from '../src/http/route';
import { serveRoutes } from './served-routes';

const roomBytes = 4_000_000;
const half = roomBytes / 2;

const posting = (path: string, access: 'public' | 'any credential'): Route =>
  route({
    dialect: 'native',
    method: 'post',
    path,
    summary: '',
    description: '',
    access,
    bodyBytesMax: half,
    request: { query: z.strictObject({}), body: z.strictObject({ padding: z.string() }) },
    responses: { 200: { description: 'Done.', schema: z.unknown() } },
    handle: async () => ({ body: {} }),
  });
const routes = [posting('/v1/notices', 'public'), posting('/v1/bulks', 'any credential')];

const caller: Credential = {
  credentialId: '0190f5fe-7c00-7a00-8000-000000000001',
  tenantId: '0190f5fe-7c00-7a00-8000-000000000002',
  kind: 'api_key',
  mode: 'sandbox',
  scopes: [],
  secretDigest: null,
  walletId: null,
  userNumber: null,
  ipAllowList: [],
  revoked: false,
};

let told: EventEmitter;
let lines: ReturnType<typeof testLogger>['lines'];
let server: Server;
/** Settles who the caller is. */
let authenticated: Promise<unknown>;
const sockets: Socket[] = [];

beforeEach(async () => {
  told = new EventEmitter();
  authenticated = Promise.resolve();
  const log = testLogger();
  lines = log.lines;
  ({ server } = await serveRoutes(routes, {
    async authenticate() {
      told.emit('asked');
      await authenticated;
      return caller;
    },
    bodies: telling(bodyRoom(roomBytes)),
    trustedProxies: ['127.0.0.1/32'],
    logger: log.logger,
  }));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
  await once(server.close(), 'close');
});

function telling(room: BodyRoom): BodyRoom {
  return {
    enter(...entering) {
      const leave = room.enter(...entering);
      told.emit('entered');
      if (leave === undefined) return undefined;
      return () => {
        leave();
        told.emit('left');
      };
    },
  };
}

const port = () => (server.address() as AddressInfo).port;

/** A request that has sent so much of its body. */
async function begin(path: string, headers: Readonly<Record<string, string>>, length: number, body = '') {
  const connection = once(server, 'connection');
  const client = connect(port(), '127.0.0.1');
  sockets.push(client);
  const [accepted] = (await connection) as [Socket];
  const said = { Host: 'it', 'Content-Type': 'application/json', 'Content-Length': `${length}`, ...headers };
  const head = Object.entries(said).map(([name, value]) => `${name}: ${value}`);
  client.write([`POST ${path} HTTP/1.1`, ...head, '', body].join('\r\n'));
  return {
    write: (text: string) => client.write(text),
    async leave() {
      // To the server it is an error that the body ends here, which `once` would throw.
      const closed = new Promise((resolve) => accepted.once('close', resolve));
      client.destroy();
      await closed;
    },
  };
}

async function statusOf(path: string, headers: Readonly<Record<string, string>>) {
  const body = JSON.stringify({ padding: 'x'.repeat(half - 100) });
  const said = { 'Content-Type': 'application/json', ...headers };
  return (await fetch(`http://127.0.0.1:${port()}${path}`, { method: 'POST', headers: said, body })).status;
}

const key = { 'X-API-Key': 'key' };
// The second way is taken by express, the first before it.
const ways = ['application/json', 'application/json;charset="utf-8"'];
const small = '{"padding":""}';

describe.each(ways)('a client that leaves while it is found out who it is, as %s', (type) => {
  test.each([
    ['nothing of a large body', half, ''],
    ['all of a small one', small.length, small],
  ])('having sent %s, leaves its room to others, and is no failure', async (_sent, length, body) => {
    let settle!: (value: unknown) => void;
    authenticated = new Promise((resolve) => (settle = resolve));
    const asked = once(told, 'asked');
    const client = await begin('/v1/bulks', { ...key, 'Content-Type': type }, length, body);
    await asked;
    await client.leave();
    const left = once(told, 'left', { signal: AbortSignal.timeout(10_000) });
    settle(caller);
    await left;
    expect(await statusOf('/v1/bulks', key)).toBe(200);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

test('a request behind another on its connection leaves its room when the client leaves before both are answered', async () => {
  let settle!: (value: unknown) => void;
  authenticated = new Promise((resolve) => (settle = resolve));
  const asked = once(told, 'asked');
  const client = await begin('/v1/bulks', { ...key, 'Content-Type': ways[1]! }, small.length, small);
  await asked;
  authenticated = Promise.resolve();
  const entered = once(told, 'entered');
  const head = ['POST /v1/bulks HTTP/1.1', 'Host: it', 'X-API-Key: key', `Content-Type: ${ways[1]}`];
  const large = JSON.stringify({ padding: 'x'.repeat(half - 100) });
  client.write([...head, `Content-Length: ${large.length}`, '', large].join('\r\n'));
  await entered;
  const left = once(told, 'left', { signal: AbortSignal.timeout(10_000) });
  await client.leave();
  await left;
  settle(caller);
  expect(await statusOf('/v1/bulks', key)).toBe(200);
});

test.each(ways)('all who have no credential have half of the room together: %s', async (type) => {
  const from = (address: string) => ({ 'Content-Type': type, 'X-Forwarded-For': address });
  const entered = once(told, 'entered');
  await begin('/v1/notices', from('203.0.113.7'), half);
  await entered;
  expect(await statusOf('/v1/notices', from('198.51.100.8'))).toBe(503);
  expect(await statusOf('/v1/bulks', key)).toBe(200);
});
