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
  return (id) => {
    let v0 = key0;
    let v1 = key1 ^ 0xee;
    let v2 = 0x6c796765 ^ key0;
    let v3 = 0x74656462 ^ key1;
    let first = 0;
    // Two characters a word, and their number in one more; then three rounds for each half of the result.
    const words = ((id.length + 1) >> 1) + 1;
    for (let n = 0; n < words + 6; n++) {
      const word = n < words ? wordAt(id, 2 * n) : 0;
      if (n === words) v2 ^= 0xee;
      if (n === words + 3) {
        first = v1 ^ v3;
        v1 ^= 0xdd;
      }
      v3 ^= word;
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
      v0 ^= word;
    }
    return (first >>> 0) * 32 + ((v1 ^ v3) & 31);
  };
}

function wordAt(id: string, at: number): number {
  if (at + 1 < id.length) return id.charCodeAt(at) | (id.charCodeAt(at + 1) << 16);
  return at < id.length ? id.charCodeAt(at) : id.length;
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
