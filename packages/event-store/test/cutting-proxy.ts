/** A way to the server that breaks connections at a chosen byte. */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export type Direction = 'request' | 'answer';
/** Cuts the connection after so many more bytes in one direction; null lets everything pass. */
export type Cut = { readonly direction: Direction; left: number } | null;

export type Proxy = {
  readonly url: string;
  cut(next: Cut): void;
  /** From the next commit on. */
  cutAtCommit(next: Cut): void;
  /** How many bytes have passed in each direction. */
  passed(): Readonly<Record<Direction, number>>;
  stop(): Promise<void>;
};

export async function startProxy(target: URL): Promise<Proxy> {
  let [cut, atCommit]: [Cut, Cut] = [null, null];
  const passed = { request: 0, answer: 0 };
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const drop = () => {
      client.destroy();
      upstream.destroy();
    };
    const pass = (direction: 'request' | 'answer', from: Socket, to: Socket) =>
      from.on('data', (bytes) => {
        passed[direction] += bytes.length;
        if (atCommit !== null && direction === 'request' && bytes.includes('commit\0'))
          [cut, atCommit] = [atCommit, null];
        if (cut?.direction !== direction || bytes.length < cut.left) {
          if (cut?.direction === direction) cut.left -= bytes.length;
          to.write(bytes);
          return;
        }
        // What came before the cut still arrives.
        to.write(bytes.subarray(0, cut.left), () => to.destroySoon());
        from.destroySoon();
      });
    pass('request', client, upstream);
    pass('answer', upstream, client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', drop).on('close', () => {
        sockets.delete(socket);
        drop();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = Object.assign(new URL(target.href), { port: String((server.address() as AddressInfo).port) }).href;
  return {
    url,
    cut: (next) => void ([cut, atCommit] = [next, null]),
    cutAtCommit: (next) => void (atCommit = next),
    passed: () => ({ ...passed }),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
