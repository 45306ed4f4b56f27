/** The only source of chance in a simulation: the same seed gives the same numbers, for ever. */
export type SeededRandom = {
  /** A whole number from 0 to `below - 1`. */
  below(below: number): number;
  /** True in `share` of all cases; never for 0. */
  chance(share: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
};

/** mulberry32, a permutation of a 32-bit counter. The seed is mixed first, so that neighbours are unlike. */
export function seededRandom(seed: number): SeededRandom {
  let state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    chance: (share) => share > 0 && next() < share,
    pick: (items) => items[below(items.length)]!,
  };
}
