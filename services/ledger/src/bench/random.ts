/** A seeded source of numbers (xoshiro128**), so that two runs do the same work. */
export type Random = {
  /** A whole number from 0 to `below - 1`. */
  below(below: number): number;
  /** A version 4 UUID. */
  uuid(): string;
};

export function createRandom(seed: number): Random {
  const state = new Uint32Array(4);
  for (let i = 0, s = seed >>> 0; i < 4; i++) {
    // splitmix32 spreads a small seed over the state.
    s = (s + 0x9e3779b9) >>> 0;
    let z = s;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    state[i] = (z ^ (z >>> 15)) >>> 0;
  }
  const next = (): number => {
    const [a, b, c, d] = state as unknown as [number, number, number, number];
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    const e = c ^ a;
    const f = d ^ b;
    state[1] = b ^ e;
    state[0] = a ^ f;
    state[2] = e ^ shifted;
    state[3] = (f << 11) | (f >>> 21);
    return result;
  };
  return {
    below: (below) => Math.floor((next() / 0x1_0000_0000) * below),
    uuid() {
      const hex = (digits: number) => next().toString(16).padStart(8, '0').slice(0, digits);
      return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(8)}${hex(4)}`;
    },
  };
}
