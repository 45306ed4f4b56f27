import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { eventually } from '@daybook/testing';
import { openLink, type Link } from '../src/faults/link';

const timeoutMs = 5_000;
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** A server that keeps what it gets, behind a link. */
async function behindLink(): Promise<{ link: Link; got: () => string; peers: Socket[] }> {
  const peers: Socket[] = [];
  let got = '';
  const server = createServer((peer) => {
    peers.push(peer);
    peer.on('error', () => undefined).on('data', (chunk) => (got += chunk.toString()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ close: () => server.close() });
  const link = await openLink('test', 0, server.address() as AddressInfo);
  open.push(link);
  return { link, got: () => got, peers };
}

async function client({ port }: Link): Promise<{ socket: Socket; heard: () => string; ended: () => boolean }> {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  let isEnded = false;
  socket.on('error', () => undefined).on('data', (chunk) => (heard += chunk.toString()));
  socket.on('close', () => (isEnded = true));
  open.push({ close: () => socket.destroy() });
  return { socket, heard: () => heard, ended: () => isEnded };
}

describe('a link', () => {
  test('passes on both ways, in order, also what is large', async () => {
    const { link, got, peers } = await behindLink();
    const { socket, heard } = await client(link);
    const large = Array.from({ length: 40_000 }, (_, n) => `${n} `).join('');
    socket.write(large);
    await eventually(() => expect(got() === large).toBe(true), { timeoutMs });
    peers[0]!.write(large);
    await eventually(() => expect(heard() === large).toBe(true), { timeoutMs });
  });

  test('that is cut breaks what is there and what comes, and is whole again after', async () => {
    const { link, got } = await behindLink();
    const before = await client(link);
    before.socket.write('a');
    await eventually(() => expect(got()).toBe('a'), { timeoutMs });
    link.set({ is: 'cut' });
    await eventually(() => expect(before.ended()).toBe(true), { timeoutMs });
    const meanwhile = await client(link);
    await eventually(() => expect(meanwhile.ended()).toBe(true), { timeoutMs });
    expect(link.felt()).toBe(2);
    link.set({ is: 'open' });
    (await client(link)).socket.write('b');
    await eventually(() => expect(got()).toBe('ab'), { timeoutMs });
  });

  test('that is stalled passes everything later', async () => {
    const { link, got } = await behindLink();
    const { socket } = await client(link);
    link.set({ is: 'stalled' });
    expect(link.felt()).toBe(0);
    await new Promise((resolve) => socket.write('late', resolve));
    await eventually(() => expect(link.felt()).toBeGreaterThan(0), { timeoutMs });
    expect(got()).toBe('');
    link.set({ is: 'open' });
    await eventually(() => expect(got()).toBe('late'), { timeoutMs });
  });

  test('that was lost never connects the two again, and tells neither of the end of the other', async () => {
    const { link, got, peers } = await behindLink();
    const lost = await client(link);
    lost.socket.write('a');
    await eventually(() => expect(got()).toBe('a'), { timeoutMs });
    link.set({ is: 'lost' });
    link.set({ is: 'open' });
    lost.socket.write('b');
    peers[0]!.destroy();
    (await client(link)).socket.write('c');
    await eventually(() => expect(got()).toBe('ac'), { timeoutMs });
    expect(lost.ended()).toBe(false);
  });

  test('that is slow keeps the order and loses nothing', async () => {
    const { link, got } = await behindLink();
    const { socket } = await client(link);
    link.set({ is: 'slow', delayMs: 20, bytesPerSecond: 100_000 });
    for (const each of ['a', 'b', 'c']) await new Promise((resolve) => socket.write(each, resolve));
    link.set({ is: 'open' });
    socket.write('d');
    await eventually(() => expect(got()).toBe('abcd'), { timeoutMs });
  });
});
