/**
 * The numbers of an organization's users, 1 to n, by credential: an immutable map that is cheap to extend. A fold over a
 * long history adds one an event, and copying all of them each time would make it quadratic. They are in layers, and a
 * layer is copied only into one of at least twice its size: each number at most log2(n) times.
 */
export type UserNumbers = {
  readonly count: number;
  /** Each larger than the one after it. */
  readonly layers: readonly ReadonlyMap<string, number>[];
};

export const noUserNumbers: UserNumbers = { count: 0, layers: [] };

export function userNumberOf({ layers }: UserNumbers, credentialId: string): number | undefined {
  return layers.find((layer) => layer.has(credentialId))?.get(credentialId);
}

/** With the next number for one that has none. */
export function withNextNumber({ count, layers }: UserNumbers, credentialId: string): UserNumbers {
  const number = count + 1;
  let size = 1;
  let kept = layers.length;
  for (; kept > 0; kept--) {
    const layer = layers[kept - 1];
    if (layer === undefined || layer.size > size) break;
    size += layer.size;
  }
  const merged = layers.slice(kept).flatMap((layer) => [...layer]);
  return { count: number, layers: [...layers.slice(0, kept), new Map([...merged, [credentialId, number]])] };
}
