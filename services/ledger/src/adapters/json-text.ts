/** What compiled encoders put JSON together with. */

/** Most digits of an amount, in minor units. */
const digitsMax = 38;
const minus = 0x2d;

/** Thrown for an amount that has no stored form. */
export const outOfRange = new Error('an amount out of range');

export type JsonTexts = typeof jsonTexts;

export const jsonTexts = {
  /** Whether a JSON string is the text itself in quotes, a byte for each character. */
  isPlain: (text: string): boolean => plain.test(text),
  /** Whether JSON has a byte for each character. */
  isAscii: (json: string): boolean => ascii.test(json),
  text: (value: unknown): string => JSON.stringify(value),
  /** Digits. Throws `outOfRange`. */
  amount(value: bigint): string {
    const digits = value.toString();
    if (digits.length > digitsMax || digits.charCodeAt(0) === minus) throw outOfRange;
    return digits;
  },
  /** The same for one that may be below zero. */
  signedAmount(value: bigint): string {
    const digits = value.toString();
    if (digits.length > digitsMax + (digits.charCodeAt(0) === minus ? 1 : 0)) throw outOfRange;
    return digits;
  },
};

const ascii = /^[ -~]*$/;
const plain = /^[ !#-[\]-~]*$/;
