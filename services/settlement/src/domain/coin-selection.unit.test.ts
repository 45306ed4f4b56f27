import fc from 'fast-check';
import {
  dustLimit,
  feeCapOf,
  feeOf,
  inputsMax,
  raiseFee,
  relayRate,
  selectCoins,
  sizeOf,
  type Coin,
  type PaymentTerms,
} from './coin-selection';

const bitcoinEver = 2_100_000_000_000_000n;
const amounts = fc.oneof(fc.bigInt({ min: 0n, max: 100_000n }), fc.bigInt({ min: 0n, max: bitcoinEver }));
const coinsOf = (list: readonly bigint[]): Coin[] =>
  list.map((amount, vout) => ({ txid: (vout % 7).toString(16).repeat(64), vout, amount }));
const coins = fc.array(amounts, { maxLength: 120 }).map(coinsOf);
const terms: fc.Arbitrary<PaymentTerms> = fc.record({
  amount: amounts,
  scriptLength: fc.constantFrom(22n, 23n, 25n, 34n),
  rate: fc.oneof(fc.bigInt({ min: relayRate, max: 500_000n }), fc.bigInt({ min: relayRate, max: 10n ** 30n })),
  feeCap: fc.oneof(amounts, fc.constant(bitcoinEver)),
});
const sum = (list: readonly Coin[]) => list.reduce((total, { amount }) => total + amount, 0n);
const placeOf = ({ txid, vout }: Coin) => `${txid}:${vout}`;

/** Every choice that can be made of random coins, and what it was made under. */
function forEveryChoice(check: (choice: ReturnType<typeof chosen>, given: PaymentTerms) => void): void {
  fc.assert(
    fc.property(coins, terms, (list, given) => {
      const choice = selectCoins(list, given);
      if (typeof choice !== 'string') check(choice, given);
    }),
    { numRuns: 2000 },
  );
}
function chosen(list: readonly Coin[], given: PaymentTerms) {
  const choice = selectCoins(list, given);
  if (typeof choice === 'string') throw new Error(choice);
  return choice;
}

const usual: PaymentTerms = { amount: 100_000n, scriptLength: 22n, rate: 10_000n, feeCap: 20_000n };

describe('coin selection', () => {
  test('C1: the inputs are the amount, the change and the fee, and no coin is spent twice', () => {
    forEveryChoice(({ inputs, change, fee }, { amount }) => {
      expect(sum(inputs)).toBe(amount + change + fee);
      expect(new Set(inputs.map(placeOf)).size).toBe(inputs.length);
      expect(BigInt(inputs.length)).toBeLessThanOrEqual(inputsMax);
    });
  });

  test('C2: the fee pays the rate, and never exceeds the cap', () => {
    forEveryChoice(({ inputs, change, fee }, { scriptLength, rate, feeCap }) => {
      expect(fee).toBeGreaterThanOrEqual(feeOf(sizeOf(BigInt(inputs.length), scriptLength, change > 0n), rate));
      expect(fee).toBeLessThanOrEqual(feeCap);
    });
  });

  test('C3: the change is nothing, or more than dust', () => {
    forEveryChoice(({ change }) => {
      if (change !== 0n) expect(change).toBeGreaterThanOrEqual(dustLimit);
    });
  });

  test('C4: a raised fee keeps the inputs and the amount, and takes from the change only', () => {
    fc.assert(
      fc.property(coins, terms, terms, (list, given, later) => {
        const before = selectCoins(list, given);
        if (typeof before === 'string') return;
        const raised = raiseFee(before, { ...later, scriptLength: given.scriptLength });
        if (raised === undefined) return;
        expect(raised.inputs).toEqual(before.inputs);
        expect(raised.fee + raised.change).toBe(before.fee + before.change);
        expect(raised.fee).toBeLessThanOrEqual(later.feeCap);
        const size = sizeOf(BigInt(raised.inputs.length), given.scriptLength, raised.change > 0n);
        expect(raised.fee).toBeGreaterThanOrEqual(before.fee + feeOf(size, relayRate));
        if (raised.change !== 0n) expect(raised.change).toBeGreaterThanOrEqual(dustLimit);
      }),
      { numRuns: 2000 },
    );
  });

  test('a payment that coins can make is refused for its fee or its dust only', () => {
    fc.assert(
      fc.property(coins, terms, (list, given) => {
        fc.pre(given.amount >= dustLimit && BigInt(list.length) <= inputsMax);
        const spendingAll = feeOf(sizeOf(BigInt(list.length), given.scriptLength, true), given.rate);
        fc.pre(list.length > 0 && sum(list) >= given.amount + spendingAll + dustLimit && spendingAll <= given.feeCap);
        expect(typeof selectCoins(list, given)).not.toBe('string');
      }),
      { numRuns: 2000 },
    );
  });

  test('the order in which coins are told changes nothing', () => {
    fc.assert(
      fc.property(coins, terms, (list, given) => {
        expect(selectCoins(list.toReversed(), given)).toEqual(selectCoins(list, given));
      }),
    );
  });

  test('the smallest coin that suffices is taken, and few large ones before many small', () => {
    const single = chosen(coinsOf([5_000n, 900_000n, 103_000n, 60_000n]), usual);
    expect(single.inputs.map(({ amount }) => amount)).toEqual([103_000n]);
    const several = chosen(coinsOf([70_000n, 1_000n, 80_000n, 2_000n]), usual);
    expect(several.inputs.map(({ amount }) => amount)).toEqual([80_000n, 70_000n]);
  });

  test('change of one satoshi less than the limit goes to the miner', () => {
    const withChange = 100_000n + feeOf(sizeOf(1n, 22n, true), usual.rate) + dustLimit;
    expect(chosen(coinsOf([withChange]), usual).change).toBe(dustLimit);
    expect(chosen(coinsOf([withChange - 1n]), usual).change).toBe(0n);
  });

  test('the last payment that the coins can make, and the first that they cannot', () => {
    const least = 100_000n + feeOf(sizeOf(1n, 22n, false), usual.rate);
    expect(chosen(coinsOf([least]), usual).fee).toBe(least - 100_000n);
    expect(selectCoins(coinsOf([least - 1n]), usual)).toBe('insufficient_funds');
  });

  test('a fee at its cap is paid, above it refused', () => {
    const fee = feeOf(sizeOf(1n, 22n, true), usual.rate);
    expect(chosen(coinsOf([900_000n]), { ...usual, feeCap: fee }).fee).toBe(fee);
    expect(selectCoins(coinsOf([900_000n]), { ...usual, feeCap: fee - 1n })).toBe('fee_too_high');
  });

  test('an amount that nodes would not relay is refused', () => {
    expect(selectCoins(coinsOf([900_000n]), { ...usual, amount: dustLimit - 1n })).toBe('amount_below_dust');
    expect(typeof selectCoins(coinsOf([900_000n]), { ...usual, amount: dustLimit })).toBe('object');
  });

  test('without change the fee cannot rise', () => {
    const before = { inputs: coinsOf([103_000n]), change: 0n, fee: 3_000n };
    expect(raiseFee(before, { ...usual, feeCap: bitcoinEver })).toBeUndefined();
  });

  test('the cap of a fee is the lesser of an amount and a share', () => {
    const cap = { absolute: 50_000n, partsPerMillion: 20_000n };
    expect(feeCapOf(2_499_999n, cap)).toBe(49_999n);
    expect(feeCapOf(2_500_000n, cap)).toBe(50_000n);
    expect(feeCapOf(10n ** 15n, cap)).toBe(50_000n);
  });
});
