/**
 * A TCP connection's way between two processes, through this one, so that it can be cut, stalled, slowed or lost. One
 * link for each pair of processes that speak to each other. Bytes keep their order and are never changed.
 *
 *   open     what comes is passed on
 *   cut      connections break, and new ones break at once
 *   stalled  nothing passes, and passes later
 *   lost     connections that are there never hear of each other again, nor do those that begin before it ends
 *   slow     each piece takes its time, and a second has only so many bytes
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type LinkState =
  | { readonly is: 'open' | 'cut' | 'stalled' | 'lost' }
  | { readonly is: 'slow'; readonly delayMs: number; readonly bytesPerSecond: number };

export type Link = {
  readonly name: string;
  readonly port: number;
  set(state: LinkState): void;
  /** Connections and pieces that have found it other than open since it was last set so. */
  felt(): number;
  close(): Promise<void>;
};

/** Undelivered bytes of one direction beyond which the sender has to wait. */
const queuedBytesMax = 1_048_576;
const open: LinkState = { is: 'open' };

type Ends = { readonly near: Socket; readonly far: Socket; isLost: boolean };

/** Listens on the port and passes on to `target`, which need not be there yet. */
export async function openLink(name: string, port: number, target: { readonly port: number }): Promise<Link> {
  let state = open;
  let felt = 0;
  const alive = new Set<Ends>();
  const flows = new Set<() => void>();

  const server = createServer({ allowHalfOpen: false }, (near) => {
    if (state.is !== 'open') felt += 1;
    if (state.is === 'cut') return void near.resetAndDestroy();
    const ends: Ends = { near, far: connect(target.port, '127.0.0.1'), isLost: state.is === 'lost' };
    alive.add(ends);
    const stateOf = (): LinkState => (ends.isLost ? { is: 'lost' } : state);
    const feel = () => void (felt += 1);
    const wake = [flow(ends.near, ends.far, stateOf, feel), flow(ends.far, ends.near, stateOf, feel)];
    for (const each of wake) flows.add(each);
    for (const [one, other] of [
      [ends.near, ends.far],
      [ends.far, ends.near],
    ] as const) {
      one.setNoDelay(true);
      one.on('error', () => undefined);
      one.on('close', () => {
        // Of a lost connection one end hears nothing of the other's.
        if (ends.isLost && !(one.destroyed && other.destroyed) && one === ends.far) return;
        other.destroy();
        alive.delete(ends);
        for (const each of wake) flows.delete(each);
      });
    }
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  return {
    name,
    port: (server.address() as AddressInfo).port,
    set(next) {
      state = next;
      if (next.is !== 'open') felt = next.is === 'cut' ? alive.size : 0;
      for (const ends of alive) {
        if (next.is === 'cut') ends.near.resetAndDestroy();
        if (next.is === 'lost') ends.isLost = true;
      }
      for (const wake of flows) wake();
    },
    felt: () => felt,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const { near, far } of alive) for (const socket of [near, far]) socket.destroy();
      await closed;
    },
  };
}

/** One direction; `feel` hears of what it is not open for. Returns what is to be called when the state has changed. */
function flow(from: Socket, to: Socket, stateOf: () => LinkState, feel: () => void): () => void {
  const queue: { readonly chunk: Buffer; readonly at: number }[] = [];
  let queued = 0;
  let timer: NodeJS.Timeout | undefined;
  let freeAt = 0;

  const drain = () => {
    clearTimeout(timer);
    timer = undefined;
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const state = stateOf();
      const now = performance.now();
      if (state.is === 'lost') {
        queue.length = 0;
        queued = 0;
        break;
      }
      if (state.is === 'stalled') return;
      const dueAt = state.is === 'slow' ? Math.max(first.at + state.delayMs, freeAt) : now;
      if (dueAt > now) {
        timer = setTimeout(drain, dueAt - now);
        return;
      }
      if (state.is === 'slow') freeAt = now + (first.chunk.length / state.bytesPerSecond) * 1_000;
      queue.shift();
      queued -= first.chunk.length;
      if (!to.destroyed) to.write(first.chunk);
    }
    if (from.isPaused() && queued < queuedBytesMax && to.writableLength < queuedBytesMax) from.resume();
  };

  from.on('data', (chunk: Buffer) => {
    if (stateOf().is !== 'open') feel();
    queue.push({ chunk, at: performance.now() });
    queued += chunk.length;
    drain();
    if (queued >= queuedBytesMax || to.writableLength >= queuedBytesMax) from.pause();
  });
  to.on('drain', drain);
  return drain;
}
