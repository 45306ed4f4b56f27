import fc from 'fast-check';
import { confirmationRules, isFinal } from './confirmation';

describe('confirmation', () => {
  test('C1: final from the moment it has the confirmations, and stays final', () => {
    const depth = fc.integer({ min: 1, max: 100 });
    const number = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(depth, number, fc.nat(200), (confirmations, block, above) => {
        const has = above + 1;
        expect(isFinal({ kind: 'depth', confirmations }, block, block + above)).toBe(has >= confirmations);
      }),
    );
  });

  test('with three confirmations the second block above makes it final, the first does not', () => {
    const { ETH } = confirmationRules({ evm: 3, sandbox: 2 });
    expect([10, 11, 12].map((tip) => isFinal(ETH, 10, tip))).toEqual([false, false, true]);
  });

  test('a block above the tip is never final', () => {
    expect(isFinal({ kind: 'depth', confirmations: 1 }, 11, 10)).toBe(false);
  });

  test('each asset follows the depth of its chain', () => {
    const depths = Object.entries(confirmationRules({ evm: 3, sandbox: 2 })).map(([asset, rule]) => [
      asset,
      rule.confirmations,
    ]);
    expect(Object.fromEntries(depths)).toEqual({
      ETH: 3,
      USDT_ERC20: 3,
      USDT_TRC20: 2,
      SOL: 2,
      USDT_SOL: 2,
      INR: 2,
    });
  });
});
