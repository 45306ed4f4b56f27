import fc from 'fast-check';
import { nodeOf } from './late-node';

/** The node of each level that can hold intervals around the moment, as `audit_nodes` gives them. */
function pathOf(moment: number): readonly bigint[] {
  const ms = BigInt(Math.max(moment, 0));
  return Array.from({ length: 45 }, (_, level) => (((ms >> (BigInt(level) + 1n)) << 1n) | 1n) << BigInt(level));
}

const year2200 = Date.UTC(2200, 0);
const interval = fc.tuple(fc.integer({ min: -year2200, max: year2200 }), fc.integer({ min: 2, max: year2200 }));

test('an interval is found on the path of each of its moments', () => {
  fc.assert(
    fc.property(interval, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), ([from, to], part) => {
      fc.pre(from < to);
      const moment = from + Math.floor((to - from) * part);
      expect(pathOf(moment)).toContain(nodeOf(from, to));
    }),
  );
});

test('a node is within its interval, as far as that is after 1970', () => {
  fc.assert(
    fc.property(interval, ([from, to]) => {
      fc.pre(from < to);
      const node = Number(nodeOf(from, to));
      expect(node).toBeGreaterThanOrEqual(Math.max(from, 1));
      expect(node).toBeLessThan(to);
    }),
  );
});

test.each([
  [1_000, 1_001, 1_000n],
  [1_000, 1_025, 1_024n],
  [1_000, 1_024, 1_008n],
  [-5, 3, 2n],
])('the moments from %d to %d stand at %d', (from, to, node) => {
  expect(nodeOf(from, to)).toBe(node);
});
