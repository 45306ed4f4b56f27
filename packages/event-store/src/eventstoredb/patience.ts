/**
 * How long a search of the whole log may take. The server answers it with what it finds and with nothing else, however many
 * events of others it passes on the way: a search that takes longer than it may finds as little the next time. So the same
 * one, made again, gets twice as long.
 */
import { isLate } from './failures';

/** Longer is no search, it is a server that does not answer. */
const timesMax = 64;
const searchesMax = 1_000;

export function patience(deadlineMs: number) {
  const allowed = new Map<string, number>();
  return async <T>(search: string, make: (deadlineMs: number) => Promise<T>): Promise<T> => {
    const givenMs = allowed.get(search) ?? deadlineMs;
    try {
      const found = await make(givenMs);
      allowed.delete(search);
      return found;
    } catch (error) {
      if (allowed.size >= searchesMax) allowed.clear();
      if (isLate(error)) allowed.set(search, Math.min(givenMs * 2, deadlineMs * timesMax));
      throw error;
    }
  };
}
