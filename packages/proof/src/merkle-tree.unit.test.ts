import fc from 'fast-check';
import { consistencyPath, includes, inclusionPath, isConsistent, spanHash } from './merkle-paths';
import { createFrontier, leafHash, nodeHash, subtreesOf, type Span, type Subtree } from './merkle-tree';

/** The eight leaves with which the reference implementation of Certificate Transparency is tested, and their roots. */
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (hex) => Buffer.from(hex, 'hex'),
);
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const inclusionOf5in8 = [
  'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
];
const consistencies: readonly [number, number, readonly string[]][] = [
  [1, 1, []],
  [
    1,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    6,
    8,
    [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [
    2,
    5,
    [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];

/** MTH as the standard writes it, to compare with. */
function treeHash(of: readonly Buffer[]): Buffer {
  if (of.length === 0) return Buffer.from(roots[0]!, 'hex');
  if (of.length === 1) return leafHash(of[0]!);
  let k = 1;
  while (k * 2 < of.length) k *= 2;
  return nodeHash(treeHash(of.slice(0, k)), treeHash(of.slice(k)));
}

const subtreeHash =
  (of: readonly Buffer[]) =>
  ({ level, index }: Subtree) =>
    treeHash(of.slice(index * 2 ** level, (index + 1) * 2 ** level));
const pathOf = (of: readonly Buffer[], spans: readonly Span[]) => spans.map((span) => spanHash(span, subtreeHash(of)));
const hex = (hashes: readonly Buffer[]) => hashes.map((hash) => hash.toString('hex'));
const rootOf = (of: readonly Buffer[]) => {
  const frontier = createFrontier();
  for (const leaf of of) frontier.append(leaf);
  return frontier.root();
};

const someLeaves = fc.array(
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  { minLength: 1, maxLength: 70 },
);
const fraction = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const flipped = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes);
  const bit = Math.floor(at * bytes.length * 8);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
};

describe('the published vectors', () => {
  test.each(roots.map((root, size) => [size, root] as const))('root of the first %i leaves', (size, root) => {
    expect(rootOf(leaves.slice(0, size)).toString('hex')).toBe(root);
  });

  test('inclusion of leaf 5 in 8', () => {
    const path = pathOf(leaves, inclusionPath(5, 8));
    expect(hex(path)).toEqual(inclusionOf5in8);
    expect(includes(leaves[5]!, { index: 5, size: 8, path, root: Buffer.from(roots[8]!, 'hex') })).toBe(true);
  });

  test.each(consistencies)('consistency of %i with %i', (from, to, expected) => {
    const path = pathOf(leaves, consistencyPath(from, to));
    expect(hex(path)).toEqual(expected);
    const tree = (size: number) => ({ size, root: Buffer.from(roots[size]!, 'hex') });
    expect(isConsistent(tree(from), tree(to), path)).toBe(true);
  });
});

describe('a frontier', () => {
  test('has the root that the definition has, and goes on from where it was stored', () => {
    fc.assert(
      fc.property(someLeaves, fraction, (all, at) => {
        const first = createFrontier();
        const stop = Math.floor(at * all.length);
        for (const leaf of all.slice(0, stop)) first.append(leaf);
        const second = createFrontier({ size: first.size, hashes: first.hashes() });
        for (const leaf of all.slice(stop)) second.append(leaf);
        expect(second.size).toBe(all.length);
        expect(second.root()).toEqual(treeHash(all));
      }),
    );
  });

  test('takes whole subtrees instead of their leaves, and tells of each that it completes', () => {
    fc.assert(
      fc.property(someLeaves, fraction, (all, at) => {
        const told: string[] = [];
        const frontier = createFrontier(undefined, ({ level, index }, hash) => {
          told.push(`${level}/${index}`);
          expect(hash).toEqual(subtreeHash(all)({ level, index }));
        });
        const stop = Math.floor(at * all.length);
        for (const leaf of all.slice(0, stop)) frontier.append(leaf);
        for (const subtree of subtreesOf({ start: stop, end: all.length }))
          frontier.appendSubtree(subtree.level, subtreeHash(all)(subtree));
        expect(frontier.root()).toEqual(treeHash(all));
        if (stop === all.length) expect(told).toHaveLength(all.length - frontier.hashes().length);
      }),
    );
  });

  test('refuses a subtree where none begins, and hashes that are not of its size', () => {
    const frontier = createFrontier();
    frontier.append(Buffer.from('a'));
    expect(() => frontier.appendSubtree(1, leafHash(Buffer.from('b')))).toThrow('does not begin at 1');
    expect(() => createFrontier({ size: 3, hashes: [leafHash(Buffer.from('b'))] })).toThrow('1 hashes');
  });
});

describe('an inclusion proof', () => {
  const proofs = fc.tuple(someLeaves, fraction).map(([all, at]) => {
    const index = Math.floor(at * all.length);
    const path = pathOf(all, inclusionPath(index, all.length));
    return { all, leaf: all[index]!, index, size: all.length, path, root: treeHash(all) };
  });

  test('verifies for every leaf of every size', () => {
    fc.assert(fc.property(proofs, (proof) => expect(includes(proof.leaf, proof)).toBe(true)));
  });

  test('fails with a flipped bit, another leaf, index or size, or another number of hashes', () => {
    fc.assert(
      fc.property(proofs, fraction, fc.integer({ min: 1, max: 100 }), ({ leaf, ...proof }, at, off) => {
        expect(includes(Buffer.concat([leaf, Buffer.of(0)]), proof)).toBe(false);
        expect(includes(leaf, { ...proof, root: flipped(proof.root, at) })).toBe(false);
        expect(includes(leaf, { ...proof, path: [...proof.path, proof.root] })).toBe(false);
        // Another index is refused unless an equal leaf stands there, which is then the truth.
        const there = proof.all[proof.index + off];
        if (there === undefined || !there.equals(leaf))
          expect(includes(leaf, { ...proof, index: proof.index + off })).toBe(false);
        if (inclusionPath(proof.index, proof.size + off).length !== proof.path.length)
          expect(includes(leaf, { ...proof, size: proof.size + off })).toBe(false);
        for (const wrong of [-1, proof.size, 0.5, NaN]) expect(includes(leaf, { ...proof, index: wrong })).toBe(false);
        if (proof.path.length === 0) return;
        const place = Math.floor(at * proof.path.length);
        const path = proof.path.map((hash, i) => (i === place ? flipped(hash, at) : hash));
        expect(includes(leaf, { ...proof, path })).toBe(false);
        expect(includes(leaf, { ...proof, path: proof.path.slice(1) })).toBe(false);
        const longer = proof.path.map((hash, i) => (i === place ? Buffer.concat([hash, hash]) : hash));
        expect(includes(leaf, { ...proof, path: longer })).toBe(false);
      }),
    );
  });
});

describe('a consistency proof', () => {
  const proofs = fc.tuple(someLeaves, fraction).map(([all, at]) => {
    const from = 1 + Math.floor(at * all.length);
    const path = pathOf(all, consistencyPath(from, all.length));
    const first = { size: from, root: treeHash(all.slice(0, from)) };
    return { first, second: { size: all.length, root: treeHash(all) }, path };
  });

  test('verifies for every two sizes', () => {
    fc.assert(fc.property(proofs, ({ first, second, path }) => expect(isConsistent(first, second, path)).toBe(true)));
  });

  test('fails with a flipped bit, another number of hashes, or sizes that are turned around', () => {
    fc.assert(
      fc.property(proofs, fraction, ({ first, second, path }, at) => {
        expect(isConsistent({ ...first, root: flipped(first.root, at) }, second, path)).toBe(false);
        expect(isConsistent(first, { ...second, root: flipped(second.root, at) }, path)).toBe(false);
        expect(isConsistent(first, second, [...path, first.root])).toBe(false);
        if (first.size < second.size) expect(isConsistent(second, first, path)).toBe(false);
        expect(isConsistent({ ...first, size: 0 }, second, path)).toBe(false);
        if (path.length === 0) return;
        const place = Math.floor(at * path.length);
        const changed = path.map((hash, i) => (i === place ? flipped(hash, at) : hash));
        expect(isConsistent(first, second, changed)).toBe(false);
        expect(isConsistent(first, second, path.slice(1))).toBe(false);
        const longer = path.map((hash, i) => (i === place ? Buffer.concat([hash, hash]) : hash));
        expect(isConsistent(first, second, longer)).toBe(false);
      }),
    );
  });

  test('fails for a history that was changed in between', () => {
    const [first, second] = [leaves.slice(0, 5), [...leaves.slice(0, 4), Buffer.from('other'), ...leaves.slice(5)]];
    const path = pathOf(second, consistencyPath(5, 8));
    expect(isConsistent({ size: 5, root: treeHash(first) }, { size: 8, root: treeHash(second) }, path)).toBe(false);
  });
});
