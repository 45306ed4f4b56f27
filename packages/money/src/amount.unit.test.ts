import fc from 'fast-check';
import { describeAmountProblem, formatAmount, parseAmount, unitsMax } from './amount';
import { assetCodes, assets } from './asset';

const scale = fc.integer({ min: 0, max: 18 });

describe('parseAmount', () => {
  test('reads back what formatAmount writes, for any amount and scale', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 18n - 1n }), scale, (units, s) => {
        expect(parseAmount(formatAmount(units, s), s)).toEqual({ ok: true, units });
      }),
    );
  });

  test('accepts the last decimal place of every asset and refuses one more', () => {
    for (const code of assetCodes) {
      const s = assets[code].scale;
      expect(parseAmount(`0.${'0'.repeat(s - 1)}1`, s)).toEqual({ ok: true, units: 1n });
      for (const more of [s, 100])
        expect(parseAmount(`0.${'0'.repeat(more)}1`, s)).toEqual({ ok: false, problem: 'too_many_decimals' });
    }
  });

  test('accepts eighteen whole digits and refuses nineteen', () => {
    expect(parseAmount('9'.repeat(18), 2)).toEqual({ ok: true, units: BigInt('9'.repeat(18)) * 100n });
    expect(parseAmount('9'.repeat(19), 2)).toEqual({ ok: false, problem: 'too_many_whole_digits' });
    expect(describeAmountProblem('too_many_whole_digits', 2)).toBe(
      'must have at most 18 digits before the decimal point',
    );
    expect(parseAmount(`${'9'.repeat(18)}.99`, 2)).toEqual({ ok: true, units: unitsMax(2) });
  });

  test.each(['19.99', '1.01', '4.35', '99.50', '99.5', '0.01', '150.00', '150'])(
    'reads %s without rounding',
    (token) => {
      const [whole = '', fraction = ''] = token.split('.');
      expect(parseAmount(token, 2)).toEqual({
        ok: true,
        units: BigInt(whole) * 100n + BigInt(fraction.padEnd(2, '0')),
      });
    },
  );

  test.each([
    '',
    ' ',
    '-1',
    '+1',
    '1e3',
    '1E3',
    '0x10',
    '1_000',
    '1,5',
    '01',
    '.5',
    '5.',
    'NaN',
    'Infinity',
    '１',
    '1 ',
    ' 1',
    '1.5.2',
    '--1',
    '1\n',
  ])('refuses %j', (token) => {
    expect(parseAmount(token, 2)).toEqual({ ok: false, problem: 'not_a_decimal' });
  });

  test.each(['0', '0.0', '0.00'])('refuses %s because nothing would move', (token) => {
    expect(parseAmount(token, 2)).toEqual({ ok: false, problem: 'not_positive' });
  });
});

describe('formatAmount', () => {
  test.each([
    [99_500_000n, 6, '99.50'],
    [1n, 6, '0.000001'],
    [15_000n, 2, '150.00'],
    [7n, 0, '7'],
    [70n, 1, '7.0'],
    [-5n, 2, '-0.05'],
    [10n ** 18n, 18, '1.00'],
  ])('writes %s at scale %s as %s', (units, s, text) => {
    expect(formatAmount(units, s)).toBe(text);
  });
});
