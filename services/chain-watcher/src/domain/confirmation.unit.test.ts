import fc from 'fast-check';
import { isFinal, type FinalityRule } from './confirmation';

const number = fc.integer({ min: 0, max: 1_000_000 });
const depth = fc.integer({ min: 1, max: 100 });
const tier = fc.record({
  asset: fc.constantFrom('BTC' as const, 'ETH' as const),
  amount: fc.bigInt({ min: 0n, max: 50n }),
  confirmations: depth,
});
const btc = (blockNumber: number, amount = 1n) => ({ blockNumber, asset: 'BTC', amount }) as const;

describe('confirmation', () => {
  test('C1: final from the moment it has the confirmations, and stays final', () => {
    fc.assert(
      fc.property(depth, number, fc.nat(200), (confirmations, block, above) => {
        const has = above + 1;
        expect(isFinal({ kind: 'depth', confirmations }, btc(block), block + above)).toBe(has >= confirmations);
      }),
    );
  });

  test('C2: a larger amount is never final before a smaller one in the same block', () => {
    const amount = fc.bigInt({ min: 1n, max: 60n });
    fc.assert(
      fc.property(
        depth,
        fc.array(tier, { maxLength: 4 }),
        fc.nat(120),
        amount,
        amount,
        (confirmations, tiers, ...rest) => {
          const [above, one, two] = rest;
          const rule: FinalityRule = { kind: 'depth', confirmations, tiers };
          const [small, large] = one < two ? [one, two] : [two, one];
          if (isFinal(rule, btc(0, large), above)) expect(isFinal(rule, btc(0, small), above)).toBe(true);
        },
      ),
    );
  });

  test("C3: what is above the chain's mark is not final, however deep", () => {
    fc.assert(
      fc.property(number, number, number, (block, tip, mark) => {
        expect(isFinal({ kind: 'finalized' }, btc(block), tip, mark)).toBe(block <= mark);
      }),
    );
    expect(isFinal({ kind: 'finalized' }, btc(0), 1_000)).toBe(false);
  });

  test('with three confirmations the second block above makes it final, the first does not', () => {
    const rule: FinalityRule = { kind: 'depth', confirmations: 3 };
    expect([10, 11, 12].map((tip) => isFinal(rule, btc(10), tip))).toEqual([false, false, true]);
  });

  test('a tier counts from its amount on, for its asset', () => {
    const tiers = [{ asset: 'BTC', amount: 100n, confirmations: 6 }] as const;
    const rule: FinalityRule = { kind: 'depth', confirmations: 2, tiers };
    expect([99n, 100n].map((amount) => isFinal(rule, btc(10, amount), 11))).toEqual([true, false]);
    expect([14, 15].map((tip) => isFinal(rule, btc(10, 100n), tip))).toEqual([false, true]);
    expect(isFinal(rule, { ...btc(10, 100n), asset: 'ETH' }, 11)).toBe(true);
  });

  test('a block above the tip is never final', () => {
    expect(isFinal({ kind: 'depth', confirmations: 1 }, btc(11), 10)).toBe(false);
  });
});
