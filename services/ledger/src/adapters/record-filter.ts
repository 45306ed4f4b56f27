/**
 * Which ids may have been recorded, in memory of a fixed size: a Bloom filter of blocks of 32 bytes, one bit in each of
 * a block's eight words (Putze, Sanders, Singler: Cache-, hash- and space-efficient Bloom filters). It never forgets an
 * id; the fuller it is, the more often it takes an id for a recorded one that is new, which costs a look into the index.
 * At 16 bits an id that is about one in a thousand.
 */

/** Hashes of ids are stored with it. */
const hashBits = 37;
export const hashLimit = 2 ** hashBits;

/** Bytes of the key of a book's hashes. */
export const recordKeyBytes = 8;

/**
 * 37 bits of an id: HalfSipHash-1-3 (Aumasson, Bernstein: SipHash, a fast short-input PRF) with a secret key. Ids are
 * their callers' choice; without the key nobody can choose ones whose hashes lie together, which would make the looks of
 * others slow.
 */
export function recordHashes(key: Uint8Array): (id: string) => number {
  const words = new DataView(key.buffer, key.byteOffset, recordKeyBytes);
  const [key0, key1] = [words.getInt32(0, true), words.getInt32(4, true)];
  let v0 = 0;
  let v1 = 0;
  let v2 = 0;
  let v3 = 0;
  const round = () => {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  };
  const take = (word: number) => {
    v3 ^= word;
    round();
    v0 ^= word;
  };
  return (id) => {
    v0 = key0;
    v1 = key1 ^ 0xee;
    v2 = 0x6c796765 ^ key0;
    v3 = 0x74656462 ^ key1;
    const { length } = id;
    // Two characters a word, and their number in one more.
    for (let at = 0; at + 1 < length; at += 2) take(id.charCodeAt(at) | (id.charCodeAt(at + 1) << 16));
    if (length % 2 === 1) take(id.charCodeAt(length - 1));
    take(length);
    v2 ^= 0xee;
    for (let n = 0; n < 3; n++) round();
    const first = v1 ^ v3;
    v1 ^= 0xdd;
    for (let n = 0; n < 3; n++) round();
    return (first >>> 0) * 32 + ((v1 ^ v3) & 31);
  };
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
