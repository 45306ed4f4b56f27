import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { whenDone } from './when-done';

let told: EventEmitter;
let server: Server;
let client: Socket;
let done: string[];

beforeEach(async () => {
  told = new EventEmitter();
  done = [];
  server = createServer((req, res) => void told.emit(req.url!, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
});
afterEach(async () => {
  client.destroy();
  await once(server.close(), 'close');
});

type Answer = ServerResponse<IncomingMessage>;

/** What is to be answered. */
async function ask(path: string): Promise<Answer> {
  const asked = once(told, path);
  client.write(`GET ${path} HTTP/1.1\r\nHost: it\r\n\r\n`);
  return ((await asked) as [Answer])[0];
}

function watch(res: Answer): Promise<void> {
  return new Promise((resolve) => {
    whenDone(res, () => {
      done.push(res.req.url!);
      resolve();
    });
  });
}

async function leave({ socket }: IncomingMessage): Promise<void> {
  // To the server it is an error that nobody reads the answer, which `once` would throw.
  const closed = new Promise<unknown>((resolve) => socket.once('close', resolve));
  client.destroy();
  if (!socket.closed) await closed;
}

test('an answer is done when it is out, and the client that leaves later changes nothing', async () => {
  const res = await ask('/one');
  const isDone = watch(res);
  res.end('done');
  await isDone;
  await leave(res.req);
  expect(done).toEqual(['/one']);
});

test('when the client leaves, everything that it asked for on its connection is done, once, in whatever state it is', async () => {
  const [first, second, third] = [await ask('/one'), await ask('/two'), await ask('/three')];
  const all = [first, second, third].map(watch);
  second.end('made, and behind the first');
  await leave(first.req);
  await Promise.all(all);
  third.end();
  expect(done.toSorted()).toEqual(['/one', '/three', '/two']);
  expect(first.req.socket.listenerCount('close')).toBeLessThan(5);
});

test('it is done at once when the client has left before', async () => {
  const res = await ask('/one');
  await leave(res.req);
  await watch(res);
  expect(done).toEqual(['/one']);
});
