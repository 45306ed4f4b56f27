/**
 * Rates: how much of one asset a unit of another is worth, as exact fractions. What a source says is taken only when it is a
 * number, positive, recent, of a size that a rate can have, and not far from the last good rate nor its inverse.
 *
 * Invariants (each has a property test of the same name):
 *   X1  Nothing is refused of a rate that is positive, recent and near the last good one.
 *   X2  The inverse of a good rate that is not near 1, and 10^12 times or a 10^12th of it, are refused.
 *   X3  Converting there and back never gives more than there was.
 */
import { assert } from '@daybook/core';

/** Units of the target for one unit of the source, both whole units, not minor ones. Positive, in lowest terms. */
export type Rate = { readonly numerator: bigint; readonly denominator: bigint };

/** Why what a source says is not taken. In descending precedence. */
export const rateRefusals = [
  'pair_not_supported',
  'rate_source_down',
  'rate_not_a_number',
  'rate_not_positive',
  'rate_stale',
  'rate_out_of_range',
  'rate_inverted',
  'rate_jumped',
  'rates_disagree',
] as const;
export type RateRefusal = (typeof rateRefusals)[number];

/** What a source says: a plain decimal as it came, or a fraction. `inverse`: it is of the target in the source. */
export type Reading = {
  readonly source: string;
  readonly observedAt: string;
  readonly rate: string | Rate;
  readonly inverse?: boolean;
};
export type GoodRate = { readonly rate: Rate; readonly sources: readonly string[]; readonly observedAt: string };

/** A source that was observed longer ago than this says nothing of now. */
const readingAgeMsMax = 60_000;
/** Clocks of sources may be ahead of ours. */
const aheadMsMax = 60_000;
/** After this the last good rate says nothing of what is likely any more. */
const lastGoodAgeMsMax = 24 * 3_600_000;
const sizeMax: Rate = { numerator: 1_000_000_000n, denominator: 1n };
/** Rates that are within this of each other agree; one that is further from the last is compared with its inverse, too. */
const near: Rate = { numerator: 105n, denominator: 100n };
const jumpMax: Rate = { numerator: 2n, denominator: 1n };

export function rateOf(numerator: bigint, denominator: bigint): Rate {
  assert(numerator > 0n && denominator > 0n, 'a rate is positive');
  const divisor = gcd(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

export const inverseOf = ({ numerator, denominator }: Rate): Rate => ({
  numerator: denominator,
  denominator: numerator,
});

const decimal = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?$/;

/** Reads a plain decimal exactly. */
export function parseRate(text: string): Rate | 'rate_not_a_number' | 'rate_not_positive' {
  const match = decimal.exec(text);
  if (match === null) return 'rate_not_a_number';
  const [, sign, whole = '', fraction = ''] = match;
  const units = BigInt(whole + fraction);
  if (sign === '-' || units === 0n) return 'rate_not_positive';
  return rateOf(units, 10n ** BigInt(fraction.length));
}

/** The rate that a source says, or why it is not taken. */
export function judge(reading: Reading, last: GoodRate | null, now: Date): Rate | RateRefusal {
  const read = typeof reading.rate === 'string' ? parseRate(reading.rate) : reading.rate;
  if (typeof read === 'string') return read;
  const rate = reading.inverse === true ? inverseOf(read) : read;
  const ageMs = now.getTime() - Date.parse(reading.observedAt);
  // An observation without a time is of no time.
  if (!(ageMs <= readingAgeMsMax && ageMs >= -aheadMsMax)) return 'rate_stale';
  if (isAbove(distance(rate, one), sizeMax)) return 'rate_out_of_range';
  if (last === null || now.getTime() - Date.parse(last.observedAt) > lastGoodAgeMsMax) return rate;
  const moved = distance(rate, last.rate);
  if (isAbove(moved, near) && isAbove(moved, distance(rate, inverseOf(last.rate)))) return 'rate_inverted';
  return isAbove(moved, jumpMax) ? 'rate_jumped' : rate;
}

/** The middle of what the sources say; of an even number of them, half-way between the two in the middle. */
export function combine(good: readonly { readonly reading: Reading; readonly rate: Rate }[]): GoodRate | RateRefusal {
  const sorted = good.toSorted((a, b) => compare(a.rate, b.rate));
  const [lowest, highest] = [sorted.at(0), sorted.at(-1)];
  assert(lowest && highest, 'there is something to combine');
  if (isAbove(distance(lowest.rate, highest.rate), near)) return 'rates_disagree';
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]!.rate;
  const other = sorted[Math.ceil((sorted.length - 1) / 2)]!.rate;
  const sum = middle.numerator * other.denominator + other.numerator * middle.denominator;
  return {
    rate: rateOf(sum, 2n * middle.denominator * other.denominator),
    sources: sorted.map(({ reading }) => reading.source).toSorted(),
    observedAt: sorted.map(({ reading }) => reading.observedAt).toSorted()[0]!,
  };
}

/** Minor units of the target, rounded down: what is left is never given away. Scales are digits after the point. */
export function convert(units: bigint, { numerator, denominator }: Rate, fromScale: number, toScale: number): bigint {
  return (units * numerator * 10n ** BigInt(toScale)) / (denominator * 10n ** BigInt(fromScale));
}

const one: Rate = { numerator: 1n, denominator: 1n };

/** How many times the larger one is the smaller one: 1 for equal rates. */
function distance(a: Rate, b: Rate): Rate {
  const [numerator, denominator] = [a.numerator * b.denominator, a.denominator * b.numerator];
  return numerator >= denominator ? { numerator, denominator } : { numerator: denominator, denominator: numerator };
}

function isAbove(a: Rate, b: Rate): boolean {
  return compare(a, b) > 0;
}

function compare(a: Rate, b: Rate): number {
  const [left, right] = [a.numerator * b.denominator, b.numerator * a.denominator];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function gcd(a: bigint, b: bigint): bigint {
  let [larger, smaller] = [a, b];
  while (smaller > 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}
