/**
 * Room in memory for large bodies. Each route bounds its own body; all that are being read and answered at the same time
 * are bounded here, and of these the ones of one caller, so that nobody's bulks keep out everybody's. Small bodies are not
 * counted.
 */
import type { IncomingMessage } from 'node:http';

/** Up to so many bytes a body is small. */
export const smallBodyBytes = 65_536;

/** Of a body with a login and its password. Small, because anyone may send one. */
export const signInBytesMax = 16_384;

export type BodyRoom = {
  /**
   * Counts the body of a request until the function that is returned is called; undefined when there is no room now.
   * One that does not say how long it is counts for as long as it may be.
   */
  enter(caller: string, request: Pick<IncomingMessage, 'headers'>, bodyBytesMax: number): (() => void) | undefined;
};

export function bodyRoom(bytesMax: number): BodyRoom {
  const taken = new Map<string, number>();
  let all = 0;
  const count = (caller: string, bytes: number) => {
    all += bytes;
    const own = (taken.get(caller) ?? 0) + bytes;
    if (own === 0) taken.delete(caller);
    else taken.set(caller, own);
  };
  return {
    enter(caller, { headers }, bodyBytesMax) {
      const bytes = bytesOf(headers, bodyBytesMax);
      if (bytes <= smallBodyBytes) return () => undefined;
      if (all + bytes > bytesMax || (taken.get(caller) ?? 0) + bytes > bytesMax / 2) return undefined;
      count(caller, bytes);
      let inside = true;
      return () => {
        if (inside) count(caller, -bytes);
        inside = false;
      };
    },
  };
}

/** Longer ones than the route takes are refused before they are read. */
function bytesOf(headers: IncomingMessage['headers'], bodyBytesMax: number): number {
  const { 'content-length': length, 'content-encoding': encoding, 'transfer-encoding': transfer } = headers;
  if (encoding !== undefined || transfer !== undefined) return bodyBytesMax;
  return Math.min(Number(length ?? 0), bodyBytesMax);
}
