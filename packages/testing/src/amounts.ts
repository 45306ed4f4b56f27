/** Amounts as clients send them: raw JSON tokens, to be placed in the text of a body before anything parses it. */

/** Each is JSON, and refused with 400, the field's name in the answer, and no event. Holds for every scale up to 18. */
export const refusedAmountTokens: readonly string[] = [
  '-1',
  '"-1.00"',
  '0',
  '0.00',
  '"0"',
  '"0.00"',
  '-0',
  '"-0.00"',
  '1e3',
  '1E3',
  '"1e3"',
  '1e-2',
  '1.5e1',
  '1e400',
  '"1e400"',
  '"NaN"',
  '"Infinity"',
  '"-Infinity"',
  '"0x10"',
  '"0o17"',
  '"0b1"',
  '""',
  '" "',
  '" 1.00"',
  '"1.00 "',
  '"1.00\\n"',
  '"\\u00a01.00"',
  '"01.00"',
  '"0001"',
  '"+1.00"',
  '"1_000"',
  '"1,000.00"',
  '"1,50"',
  '"1\'000"',
  '"1.0.0"',
  '"."',
  '".5"',
  '"5."',
  '"$1.00"',
  '"1.00 USD"',
  '"ten"',
  '"1n"',
  '"\\u0661\\u0662"',
  '"\\uff11\\uff12"',
  '"1\\u00b2"',
  '"\\u22121"',
  '"1\\u200b0"',
  '"1\\u0000"',
  '1000000000000000000',
  '"1000000000000000000"',
  '1000000000000000000000000000000',
  '"1000000000000000000000000000000"',
  '1.0000000000000000001',
  '"1.0000000000000000000"',
  'null',
  'true',
  'false',
  '[1]',
  '[]',
  '{}',
  '{"value":"1.00"}',
];

/** Not JSON at all: the whole body is refused with 400. */
export const malformedAmountTokens: readonly string[] = [
  '01.00',
  '+1',
  'NaN',
  'Infinity',
  '0x10',
  '1_000',
  '1n',
  '.5',
  '5.',
  '',
];

/** Accepted exactly, at any scale of two or more; `text` is the one canonical form that comes back. */
export const acceptedAmounts: readonly { readonly token: string; readonly text: string; readonly cents: bigint }[] = [
  { token: '99.50', text: '99.50', cents: 9950n },
  { token: '"99.50"', text: '99.50', cents: 9950n },
  { token: '99.5', text: '99.50', cents: 9950n },
  { token: '1', text: '1.00', cents: 100n },
  { token: '"1"', text: '1.00', cents: 100n },
  { token: '0.01', text: '0.01', cents: 1n },
  // Times 100 these are not whole numbers in floating point.
  { token: '19.99', text: '19.99', cents: 1999n },
  { token: '4.35', text: '4.35', cents: 435n },
  { token: '1.01', text: '1.01', cents: 101n },
  // A double would change these: 2^53 + 1, and seventeen digits.
  { token: '9007199254740993', text: '9007199254740993.00', cents: 900719925474099300n },
  { token: '"9007199254740993"', text: '9007199254740993.00', cents: 900719925474099300n },
  { token: '123456789012345.67', text: '123456789012345.67', cents: 12345678901234567n },
];

export const acceptedAmountTokens: readonly string[] = acceptedAmounts.map(({ token }) => token);

/** One more decimal than the scale allows, in each form in which it can be sent: never rounded, always refused. */
export function tokensBeyondScale(scale: number): readonly string[] {
  const value = `1.${'0'.repeat(scale)}1`;
  const zeros = `1.${'0'.repeat(scale + 1)}`;
  return [value, `"${value}"`, zeros, `"${zeros}"`];
}
