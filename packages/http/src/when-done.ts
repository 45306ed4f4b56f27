import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Of each connection, who is to be told when it closes: one listener for however many requests it carries at a time. */
const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls `done` once: when the request has been answered, or when its client has left, which may be now. The answer alone
 * does not tell all of that: one that is behind another on its connection never closes when the client leaves, and none
 * says a second time that it has closed.
 */
export function whenDone(res: ServerResponse, done: () => void): void {
  const { socket } = res.req;
  if (res.closed || socket.destroyed) return done();
  const others = waitingOn(socket);
  const tell = () => {
    if (others.delete(tell)) done();
  };
  others.add(tell);
  res.once('close', tell);
}

function waitingOn(socket: Socket): Set<() => void> {
  const known = waiting.get(socket);
  if (known !== undefined) return known;
  const all = new Set<() => void>();
  waiting.set(socket, all);
  socket.once('close', () => all.forEach((tell) => tell()));
  return all;
}
