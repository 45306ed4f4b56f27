/** A way to a server that can be made to swallow whatever is sent on it, in both directions, without closing anything. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type SwallowingWay = {
  /** As the server's, through here. */
  readonly url: string;
  /** A connection that is made meanwhile is never answered. */
  swallow(on: boolean): void;
  stop(): Promise<void>;
};

export async function swallowingWay(serverUrl: string): Promise<SwallowingWay> {
  const target = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let swallows = false;
  const way = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    const isLost = swallows;
    const pass = (from: Socket, to: Socket) =>
      from
        .on('data', (bytes) => void (swallows || isLost || to.write(bytes)))
        .on('error', () => undefined)
        // Whoever gives a connection up is rid of it at the other end, too.
        .on('close', () => to.destroy());
    pass(near, far);
    pass(far, near);
    sockets.add(near).add(far);
  });
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve));
  return {
    url: Object.assign(new URL(target), { port: String((way.address() as AddressInfo).port) }).href,
    swallow: (on) => void (swallows = on),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => way.close(resolve));
    },
  };
}
