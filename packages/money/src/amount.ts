import { assert } from '@daybook/core';

/** Integer digits accepted before the decimal point. Eighteen whole digits exceed any supply in circulation. */
const wholeDigitsMax = 18;
const decimalToken = /^(0|[1-9]\d*)(?:\.(\d+))?$/;

/** Largest amount that is handled, in minor units. A claim of more is of an asset that does not keep its own books. */
export function unitsMax(scale: number): bigint {
  return 10n ** BigInt(wholeDigitsMax + scale) - 1n;
}

export type ParsedAmount =
  { readonly ok: true; readonly units: bigint } | { readonly ok: false; readonly problem: AmountProblem };

/** In descending precedence: when several apply, the first listed is returned. */
const amountProblems = ['not_a_decimal', 'too_many_whole_digits', 'too_many_decimals', 'not_positive'] as const;
export type AmountProblem = (typeof amountProblems)[number];

/**
 * Reads a positive amount from its raw decimal token into minor units. Nothing is rounded or coerced: signs,
 * exponents, hex, separators, blanks and more decimals than the scale are refused.
 */
export function parseAmount(token: string, scale: number): ParsedAmount {
  const match = decimalToken.exec(token);
  if (match === null) return { ok: false, problem: 'not_a_decimal' };
  const [, whole = '', fraction = ''] = match;
  if (whole.length > wholeDigitsMax) return { ok: false, problem: 'too_many_whole_digits' };
  if (fraction.length > scale) return { ok: false, problem: 'too_many_decimals' };
  const units = BigInt(whole + fraction.padEnd(scale, '0'));
  return units > 0n ? { ok: true, units } : { ok: false, problem: 'not_positive' };
}

/** Sentence for a problem, to be prefixed with the field's name. */
export function describeAmountProblem(problem: AmountProblem, scale: number): string {
  switch (problem) {
    case 'not_a_decimal':
      return 'must be a plain decimal number such as 99.50, without sign, exponent or separators';
    case 'too_many_whole_digits':
      return `must have at most ${wholeDigitsMax} digits before the decimal point`;
    case 'too_many_decimals':
      return `must have at most ${scale} decimal place${scale === 1 ? '' : 's'}`;
    case 'not_positive':
      return 'must be greater than zero';
  }
}

/**
 * The one canonical text of an amount: at least two decimals (fewer if the scale has fewer), no other trailing
 * zeros. 99500000 at scale 6 is `99.50`.
 */
export function formatAmount(units: bigint, scale: number): string {
  assert(scale >= 0, `scale ${scale} is negative`);
  const sign = units < 0n ? '-' : '';
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const decimals = scale === 0 ? '' : digits.slice(-scale);
  const shown = decimals.replace(/0+$/, '').padEnd(Math.min(2, scale), '0');
  return `${sign}${whole}${shown === '' ? '' : `.${shown}`}`;
}
