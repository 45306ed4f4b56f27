import fc from 'fast-check';
import { combine, convert, inverseOf, judge, parseRate, rateOf, type GoodRate, type Rate, type Reading } from './rate';

const now = new Date('2026-03-01T10:00:00.000Z');
const ago = (ms: number) => new Date(now.getTime() - ms).toISOString();
const said = (rate: Reading['rate'], ageMs = 0): Reading => ({ source: 's', rate, observedAt: ago(ageMs) });
const last = (rate: Rate, ageMs = 60_000): GoodRate => ({ rate, sources: ['s'], observedAt: ago(ageMs) });
const bitcoin = last(rateOf(65_000n, 1n));
const euro = last(rateOf(108n, 100n));

/** The hazard's table: what a source may say, and what comes of it. */
test.each<readonly [string, Reading, GoodRate | null, string | Rate]>([
  ['zero', said('0'), bitcoin, 'rate_not_positive'],
  ['zero with decimals', said('0.000'), null, 'rate_not_positive'],
  ['negative', said('-65000'), bitcoin, 'rate_not_positive'],
  ['NaN', said('NaN'), null, 'rate_not_a_number'],
  ['Infinity', said('Infinity'), null, 'rate_not_a_number'],
  ['null, or nothing', said(''), null, 'rate_not_a_number'],
  ['an exponent', said('6.5e4'), null, 'rate_not_a_number'],
  ['hexadecimal', said('0x10'), null, 'rate_not_a_number'],
  ['blanks', said(' 1'), null, 'rate_not_a_number'],
  ['digits of another script', said('٦'), null, 'rate_not_a_number'],
  ['1/rate', said('0.0000153846'), bitcoin, 'rate_inverted'],
  ['1/rate of a rate near 1', said('0.9259'), euro, 'rate_inverted'],
  ['10^12 times', said('65000000000000000'), bitcoin, 'rate_out_of_range'],
  ['a 10^12th', said('0.000000065'), last(rateOf(65_000n, 1n)), 'rate_inverted'],
  ['10^12 times, small', said('15000000'), last(rateOf(15n, 1_000_000n)), 'rate_inverted'],
  ['a 10^12th, small', said('0.000000000000000015'), null, 'rate_out_of_range'],
  ['three times', said('195000'), bitcoin, 'rate_jumped'],
  ['a third', said('21000'), bitcoin, 'rate_jumped'],
  ['one hour old', said('65000', 3_600_000), bitcoin, 'rate_stale'],
  ['an hour from now', said('65000', -3_600_000), bitcoin, 'rate_stale'],
  ['of no time', { source: 's', rate: '65000', observedAt: '' }, bitcoin, 'rate_stale'],
  ['as it was', said('65000'), bitcoin, rateOf(65_000n, 1n)],
  ['half as much, and a minute old', said('32500', 60_000), bitcoin, rateOf(32_500n, 1n)],
  ['three times what it was long ago', said('195000'), last(rateOf(65_000n, 1n), 90_000_000), rateOf(195_000n, 1n)],
  [
    'on the other side of 1, where a rate is nearly its inverse',
    said('0.998'),
    last(rateOf(1_001n, 1_000n)),
    rateOf(998n, 1_000n),
  ],
  ['the other way round, and saying so', { ...said('65000'), inverse: true }, null, rateOf(1n, 65_000n)],
])('%s', (_name, reading, before, expected) => {
  expect(judge(reading, before, now)).toEqual(expected);
});

const rate = fc
  .tuple(fc.bigInt(1n, 10n ** 9n), fc.bigInt(1n, 10n ** 9n))
  .map(([numerator, denominator]) => rateOf(numerator, denominator));
const times = ({ numerator, denominator }: Rate, by: bigint, per: bigint) => rateOf(numerator * by, denominator * per);

test('X1: nothing is refused of a rate that is positive, recent and near the last good one', () => {
  fc.assert(
    fc.property(rate, fc.bigInt(955n, 1_045n), fc.nat(60_000), (before, permille, ageMs) => {
      const moved = times(before, permille, 1_000n);
      const isOfSize =
        moved.numerator <= 10n ** 9n * moved.denominator && moved.denominator <= 10n ** 9n * moved.numerator;
      expect(judge(said(moved, ageMs), last(before), now)).toEqual(isOfSize ? moved : 'rate_out_of_range');
    }),
  );
});

test('X2: the inverse of a good rate that is not near 1, and 10^12 times or a 10^12th of it, are refused', () => {
  fc.assert(
    fc.property(rate, (good) => {
      for (const wrong of [times(good, 10n ** 12n, 1n), times(good, 1n, 10n ** 12n)])
        expect(typeof judge(said(wrong), last(good), now)).toBe('string');
      const apart = (good.numerator * 1_000n) / good.denominator;
      if (apart > 970n && apart < 1_031n) return;
      expect(judge(said(inverseOf(good)), last(good), now)).toBe('rate_inverted');
    }),
  );
});

test('X3: converting there and back never gives more than there was', () => {
  fc.assert(
    fc.property(rate, fc.bigInt(0n, 10n ** 30n), fc.nat(18), fc.nat(18), (by, units, fromScale, toScale) => {
      const there = convert(units, by, fromScale, toScale);
      expect(convert(there, inverseOf(by), toScale, fromScale) <= units).toBe(true);
    }),
  );
});

test('a decimal is read exactly', () => {
  expect(parseRate('65000.12')).toEqual({ numerator: 1_625_003n, denominator: 25n });
  expect(convert(10_000_000n, rateOf(6_500_012n, 100n), 8, 2)).toBe(650_001n);
});

describe('several sources', () => {
  const good = (...rates: bigint[]) =>
    rates.map((units, index) => ({
      reading: { source: `s${index}`, rate: '', observedAt: ago(index) },
      rate: rateOf(units, 1n),
    }));
  test('are taken for the middle of what they say, as of the oldest', () => {
    expect(combine(good(100n, 102n, 101n))).toEqual({
      rate: rateOf(101n, 1n),
      sources: ['s0', 's1', 's2'],
      observedAt: ago(2),
    });
    expect(combine(good(100n, 103n))).toMatchObject({ rate: { numerator: 203n, denominator: 2n } });
    expect(combine(good(7n))).toMatchObject({ rate: { numerator: 7n, denominator: 1n } });
  });
  test('that do not agree are taken for nothing', () => {
    expect(combine(good(100n, 106n))).toBe('rates_disagree');
    expect(combine([...good(65_000n), { reading: said('x'), rate: rateOf(1n, 65_000n) }])).toBe('rates_disagree');
  });
});
