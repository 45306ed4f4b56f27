/**
 * Which ids may have been recorded, in memory of a fixed size: a Bloom filter of blocks of 32 bytes, one bit in each of
 * a block's eight words (Putze, Sanders, Singler: Cache-, hash- and space-efficient Bloom filters). It never forgets an
 * id; the fuller it is, the more often it takes an id for a recorded one that is new, which costs a look into the index.
 * At 16 bits an id that is about one in a thousand.
 */

/** Hashes of ids are stored, so this never changes. */
const hashBits = 37;
export const hashLimit = 2 ** hashBits;

/** 37 bits of an id: two lanes of multiplicative hashing over its code units, mixed as in MurmurHash3. */
export function recordHash(id: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let index = 0; index < id.length; index++) {
    const code = id.charCodeAt(index);
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
  }
  a = mix(a ^ (b >>> 15));
  b = mix(b ^ (a >>> 13));
  return (a >>> 0) * 32 + ((b >>> 0) & 31);
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

export type RecordFilter = {
  add(hash: number): void;
  /** False when no id of this hash was ever added. */
  has(hash: number): boolean;
};

const wordsPerBlock = 8;
const salts = [0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31] as const;

export function createRecordFilter(bytes: number): RecordFilter {
  const blocks = Math.max(1, Math.floor(bytes / (wordsPerBlock * 4)));
  const words = new Uint32Array(blocks * wordsPerBlock);
  const blockOf = (hash: number) => Math.floor((hash / hashLimit) * blocks) * wordsPerBlock;
  // The bits come from another part of the hash than the block, as far as there are enough.
  const keyOf = (hash: number) => mix((hash % 0x1_0000_0000) | 0);
  return {
    add(hash) {
      const block = blockOf(hash);
      const key = keyOf(hash);
      for (let word = 0; word < wordsPerBlock; word++)
        words[block + word]! |= 1 << (Math.imul(key, salts[word]!) >>> 27);
    },
    has(hash) {
      const block = blockOf(hash);
      const key = keyOf(hash);
      for (let word = 0; word < wordsPerBlock; word++)
        if ((words[block + word]! & (1 << (Math.imul(key, salts[word]!) >>> 27))) === 0) return false;
      return true;
    },
  };
}
