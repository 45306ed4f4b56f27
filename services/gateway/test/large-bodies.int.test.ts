import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { operateBook } from '@daybook/contracts';
import { eventually } from '@daybook/testing';
import { GatewayHarness, type TestCredential } from './harness';

const gateway = new GatewayHarness();
const bulk = '/v1/ledger/transactions/bulk';
/** What one caller has of the room, in bulks of the longest length. */
const bulksOfOne = 11;
const sockets: Socket[] = [];
let tenant: TestCredential;
let other: TestCredential;

beforeAll(async () => {
  await gateway.start();
  tenant = await gateway.issue('token', ['ledger:write']);
  other = await gateway.issue('token', ['ledger:write']);
});
afterEach(() => sockets.splice(0).forEach((socket) => socket.destroy()));
afterAll(() => gateway.stop());

/** The head of a bulk whose body does not come. */
async function begin({ headers }: TestCredential, contentType: string): Promise<Socket> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  sockets.push(socket);
  await once(socket, 'connect');
  const said = { ...headers, 'Content-Type': contentType, 'Content-Length': '6000000' };
  const lines = Object.entries(said).map(([name, value]) => `${name}: ${value}`);
  socket.write([`POST ${bulk} HTTP/1.1`, `Host: ${hostname}`, ...lines, '', ''].join('\r\n'));
  return socket;
}

async function statusOf(socket: Socket): Promise<string> {
  const [head] = (await once(socket, 'data')) as [Buffer];
  return head.toString().split('\r\n')[0]!;
}

const large = (caller: TestCredential) =>
  gateway.request('POST', bulk, {
    headers: caller.headers,
    raw: JSON.stringify({ transactions: [], padding: 'x'.repeat(5_900_000) }),
  });

const small = (caller: TestCredential) =>
  gateway.request('POST', '/v1/ledger/transactions', {
    headers: { ...caller.headers, 'Idempotency-Key': 'K' },
    body: { debit: 'cash', credit: 'sales', asset: 'INR', amount: '150.00' },
  });

// The second way is taken by express, the first before it.
test.each(['application/json', 'application/json;charset="utf-8"'])(
  'bulks that do not come take half of the room, and give it back: %s',
  async (contentType) => {
    gateway.services.respond(operateBook)(() => ({
      ok: true,
      value: { at: '2026-02-11T10:06:10.000Z', ledgerReference: `0x${'ab'.repeat(32)}`, replayed: true },
    }));
    for (let n = 0; n < bulksOfOne; n++) await begin(tenant, contentType);
    // What came before it has passed the gate when it is answered.
    expect(await small(tenant)).toMatchObject({ status: 200 });
    expect(await large(tenant)).toMatchObject({ status: 503 });
    expect(await statusOf(await begin(tenant, contentType))).toBe('HTTP/1.1 503 Service Unavailable');
    expect((await large(tenant)).headers.get('retry-after')).toBe('1');
    expect(await small(tenant)).toMatchObject({ status: 200 });
    // Of another caller it is read, and refused for what it says.
    expect(await large(other)).toMatchObject({ status: 400 });
    sockets.splice(0).forEach((socket) => socket.destroy());
    await eventually(async () => expect(await large(tenant)).toMatchObject({ status: 400 }), { timeoutMs: 10_000 });
  },
);
