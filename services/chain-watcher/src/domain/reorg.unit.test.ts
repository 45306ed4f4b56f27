import fc from 'fast-check';
import { findFork, nextStep, type LinkedBlock } from './reorg';

type Change = { readonly drop: number; readonly add: number; readonly sync: boolean };
const changes = fc.array(fc.record({ drop: fc.nat(8), add: fc.integer({ min: 1, max: 10 }), sync: fc.boolean() }), {
  minLength: 1,
  maxLength: 20,
});

/** A chain that loses its newest blocks and grows others. Every block's hash is new. */
function simulatedChain() {
  let minted = 0;
  const blocks: LinkedBlock[] = [{ number: 0, hash: 'genesis', parentHash: '' }];
  return {
    blocks,
    change({ drop, add }: Change) {
      blocks.splice(Math.max(1, blocks.length - drop));
      for (let i = 0; i < add; i++) {
        const parent = blocks.at(-1)!;
        blocks.push({ number: parent.number + 1, hash: `h${++minted}`, parentHash: parent.hash });
      }
    },
  };
}

/** Follows the steps until there is nothing more to do. */
function follow(cursor: LinkedBlock[], chain: readonly LinkedBlock[]): void {
  for (;;) {
    const tip = cursor.at(-1)!;
    const next = chain[tip.number + 1];
    const step = nextStep(tip, chain.at(-1)!, next);
    if (step === 'wait' || step === 'behind') return;
    if (step === 'extend') cursor.push(next!);
    else cursor.splice(search(cursor, chain)!.number + 1);
  }
}

function search(cursor: readonly LinkedBlock[], chain: readonly LinkedBlock[]) {
  const known = new Map<number, string | undefined>();
  const newestFirst = cursor.toReversed();
  for (;;) {
    const found = findFork(newestFirst, known);
    if (found.type === 'found') return found.block;
    if (found.type === 'none') return undefined;
    known.set(found.number, chain[found.number]?.hash);
  }
}

describe('reorg', () => {
  test("R1: a cursor that follows the steps equals the source's chain", () => {
    fc.assert(
      fc.property(changes, (given) => {
        const chain = simulatedChain();
        const cursor = [...chain.blocks];
        for (const change of given) {
          chain.change(change);
          if (change.sync) follow(cursor, chain.blocks);
        }
        // A head below the tip is waited for, so the chain outgrows the cursor before they are compared.
        chain.change({ drop: 0, add: 200, sync: true });
        follow(cursor, chain.blocks);
        expect(cursor).toEqual(chain.blocks);
      }),
    );
  });

  test('R2: the fork point is the newest block of the cursor that the source has', () => {
    fc.assert(
      fc.property(changes, (given) => {
        const chain = simulatedChain();
        chain.change({ drop: 0, add: 20, sync: false });
        const cursor = [...chain.blocks];
        for (const change of given) chain.change(change);
        const shared = cursor.filter(({ hash }) => chain.blocks.some((block) => block.hash === hash));
        expect(search(cursor, chain.blocks)).toEqual(shared.at(-1));
      }),
    );
  });

  test('R3: what does not link is never joined, and a gap is refused', () => {
    const block = fc.record({
      number: fc.nat(5),
      hash: fc.constantFrom('a', 'b'),
      parentHash: fc.constantFrom('a', 'b'),
    });
    fc.assert(
      fc.property(block, block, block, (tip, head, next) => {
        if (nextStep(tip, head, next) !== 'extend') return;
        expect(next.number).toBeGreaterThan(tip.number);
        expect(next.parentHash).toBe(tip.hash);
      }),
    );
    const gap = [
      { number: 9, hash: 'x', parentHash: 'w' },
      { number: 7, hash: 'y', parentHash: 'v' },
    ];
    expect(() => findFork(gap, new Map([[9, 'other']]))).toThrow('cursor has a gap below block 9');
  });

  test('names each situation', () => {
    const tip = { number: 5, hash: 'a' };
    const next = { number: 6, hash: 'b', parentHash: 'a' };
    const head = { number: 8, hash: 'c' };
    expect(nextStep(tip, head, next)).toBe('extend');
    expect(nextStep(tip, head, { ...next, parentHash: 'z' })).toBe('fork');
    expect(nextStep(tip, head, { ...next, number: 7 })).toBe('extend');
    expect(nextStep(tip, head, { ...next, number: 5 })).toBe('refuse');
    expect(nextStep(tip, head, undefined)).toBe('wait');
    expect(nextStep(tip, { ...tip }, undefined)).toBe('wait');
    expect(nextStep(tip, { number: 5, hash: 'z' }, undefined)).toBe('fork');
    expect(nextStep(tip, { number: 4, hash: 'z' }, undefined)).toBe('behind');
    expect(findFork([{ ...tip, parentHash: '' }], new Map([[5, undefined]]))).toEqual({ type: 'none' });
  });
});
