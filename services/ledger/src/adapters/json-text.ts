/** What compiled encoders put JSON together with, and the pages that its bytes are written to. */

/** Amounts are below it, in minor units. */
export const amountLimit = 10n ** 38n;

export type JsonText = {
  /** The bytes of the JSON that `make` gives; undefined when it met an amount out of range. */
  write(make: () => string): Buffer | undefined;
  /** A JSON string, escaped if need be. */
  text(value: string): string;
  /** Its digits. */
  amount(value: bigint, least: bigint): string;
  list(items: readonly unknown[], encode: (item: unknown) => string): string;
  any(value: unknown): string;
};

class OutOfRange extends Error {}
const outOfRange = new OutOfRange();

const plain = /^[ !#-[\]-~]*$/;
const ascii = /^[\0-\x7f]*$/;

/** One page serves many events. */
const pageBytes = 65_536;

export function createJsonText(): JsonText {
  let page = Buffer.allocUnsafeSlow(pageBytes);
  let at = 0;
  /** Whether all of the text is ASCII, so that it has a byte for each character. */
  let isAscii = true;
  const note = (text: string) => {
    isAscii &&= ascii.test(text);
    return text;
  };
  return {
    write(make) {
      isAscii = true;
      let text: string;
      try {
        text = make();
      } catch (error) {
        if (error === outOfRange) return undefined;
        throw error;
      }
      const length = isAscii ? text.length : Buffer.byteLength(text);
      if (length > pageBytes / 4) return Buffer.from(text);
      if (at + length > pageBytes) {
        // What was given out of the page before stays as it is.
        page = Buffer.allocUnsafeSlow(pageBytes);
        at = 0;
      }
      const from = at;
      at += page.write(text, from, isAscii ? 'latin1' : 'utf8');
      return page.subarray(from, at);
    },
    text: (value) => (plain.test(value) ? `"${value}"` : note(JSON.stringify(value))),
    amount(value, least) {
      if (value < least || value >= amountLimit) throw outOfRange;
      return value.toString();
    },
    list(items, encode) {
      if (items.length === 0) return '';
      let text = encode(items[0]);
      for (let index = 1; index < items.length; index++) text += `,${encode(items[index])}`;
      return text;
    },
    any: (value) => note(JSON.stringify(value)),
  };
}
