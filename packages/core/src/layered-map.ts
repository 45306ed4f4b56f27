/**
 * An immutable map that is cheap to extend. A fold over a long history sets one value an event; copying all of them each
 * time would make it quadratic, and anyone may send dust to an address. The values are in layers, and a layer is copied only
 * together with as many newer values as it has itself: each value at most log2(n) times.
 */
export type LayeredMap<Value> = {
  /** Oldest first, each larger than the one after it, which stands in front of it. */
  readonly layers: readonly ReadonlyMap<string, Value>[];
};

export function emptyMap<Value>(): LayeredMap<Value> {
  return { layers: [] };
}

export function valueAt<Value>({ layers }: LayeredMap<Value>, key: string): Value | undefined {
  return layers.findLast((layer) => layer.has(key))?.get(key);
}

/** In the order of their first setting. */
export function valuesOf<Value>({ layers }: LayeredMap<Value>): readonly Value[] {
  return [...merged(layers).values()];
}

export function withValue<Value>({ layers }: LayeredMap<Value>, key: string, value: Value): LayeredMap<Value> {
  let newer = 1;
  let kept = layers.length;
  for (; kept > 0; kept--) {
    const size = layers[kept - 1]?.size ?? 0;
    if (size > newer) break;
    newer += size;
  }
  return { layers: [...layers.slice(0, kept), merged(layers.slice(kept)).set(key, value)] };
}

export function mapValues<Value>({ layers }: LayeredMap<Value>, change: (value: Value) => Value): LayeredMap<Value> {
  const changed = [...merged(layers)].map(([key, value]) => [key, change(value)] as const);
  return { layers: [new Map(changed)] };
}

function merged<Value>(layers: readonly ReadonlyMap<string, Value>[]): Map<string, Value> {
  return new Map(layers.flatMap((layer) => [...layer]));
}
