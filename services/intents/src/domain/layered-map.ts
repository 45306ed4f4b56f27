/**
 * An immutable map that is cheap to extend. A fold over a long history sets one value an event; copying all of them each
 * time would make it quadratic, and anyone may send dust to an address. Only the few recent ones are copied.
 */
export type LayeredMap<Value> = {
  readonly settled: ReadonlyMap<string, Value>;
  /** In front of `settled`. */
  readonly recent: ReadonlyMap<string, Value>;
};

const recentMax = 64;

export function emptyMap<Value>(): LayeredMap<Value> {
  return { settled: new Map(), recent: new Map() };
}

export function valueAt<Value>({ settled, recent }: LayeredMap<Value>, key: string): Value | undefined {
  return recent.get(key) ?? settled.get(key);
}

export function valuesOf<Value>({ settled, recent }: LayeredMap<Value>): readonly Value[] {
  return [...new Map([...settled, ...recent]).values()];
}

export function withValue<Value>({ settled, recent }: LayeredMap<Value>, key: string, value: Value): LayeredMap<Value> {
  const extended = new Map(recent).set(key, value);
  if (extended.size < recentMax) return { settled, recent: extended };
  return { settled: new Map([...settled, ...extended]), recent: new Map() };
}

export function mapValues<Value>(map: LayeredMap<Value>, change: (value: Value) => Value): LayeredMap<Value> {
  const changed = [...map.settled, ...map.recent].map(([key, value]) => [key, change(value)] as const);
  return { settled: new Map(changed), recent: new Map() };
}
