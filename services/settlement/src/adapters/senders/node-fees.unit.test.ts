import { isOperationalError } from '@daybook/core';
import fc from 'fast-check';
import { relayRate } from '../../domain/coin-selection';
import { feeRateOf } from './bitcoin-wallet-nodes';
import { priceOf } from './solana-send-chain';
import { feeParametersOf } from './tron-rpc';

/** What a node may tell where a fee should be. */
const nonsense = fc.oneof(
  fc.constantFrom(NaN, 0, -1, 1e30, Infinity, -Infinity, null, undefined, '', '1', {}, [], true, 1e-300),
  fc.double({ max: 0 }),
  fc.double({ min: 1e12 }),
);

function refused(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (isOperationalError(error)) return;
    throw error;
  }
  throw new Error('it was believed');
}

describe('what nodes tell of fees', () => {
  test('a rate on Bitcoin that is none is refused, and any other is at least what is relayed', () => {
    fc.assert(
      fc.property(
        nonsense.filter((told) => told !== 1e-300),
        fc.constantFrom(1000, 1e8),
        (told, unit) => refused(() => feeRateOf(told, unit)),
      ),
    );
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 20_000, noNaN: true }), (told) => {
        const rate = feeRateOf(told, 1000);
        expect(rate >= relayRate && rate <= 20_000_000n).toBe(true);
      }),
    );
    expect(feeRateOf(0.00005, 1e8)).toBe(5_000n);
    expect(feeRateOf(20_000, 1000)).toBe(20_000_000n);
    refused(() => feeRateOf(20_000.001, 1000));
  });

  test('prices on Tron are all there, whole and above zero', () => {
    const keys = ['getTransactionFee', 'getEnergyFee', 'getCreateNewAccountFeeInSystemContract', 'getCreateAccountFee'];
    fc.assert(
      fc.property(nonsense, fc.constantFrom(...keys), (told, key) => {
        const all = new Map<string, unknown>(keys.map((one) => [one, 100]));
        refused(() => feeParametersOf(all.set(key, told)));
      }),
    );
    expect(feeParametersOf(new Map(keys.map((key, at) => [key, at + 1])))).toEqual({
      perByte: 1n,
      perEnergy: 2n,
      newAccount: 3n,
      newAccountBytes: 4n,
    });
  });

  test('the price on Solana is the middle of what was paid, and no price is none', () => {
    expect(priceOf([])).toBe(0n);
    expect(priceOf([0n, 9n, 0n, 1n, 5n])).toBe(5n);
    expect(priceOf([10_000_000_000n])).toBe(10_000_000_000n);
    refused(() => priceOf([10_000_000_001n]));
    refused(() => priceOf([10n ** 30n]));
  });
});
