/**
 * What compiled encoders write JSON with: straight into pages of bytes, one character after the other. Putting strings
 * together first would make several times their length of garbage, and an engine encodes every event that it records.
 */

/** Amounts are below it, in minor units. */
export const amountLimit = 10n ** 38n;

export type JsonWriter = {
  begin(): void;
  /** The bytes since `begin`, which nobody writes to any more. */
  end(): Buffer;
  /** A piece of JSON in ASCII, as it is. */
  raw(piece: Uint8Array): void;
  /** A JSON string, escaped if need be. */
  text(value: string): void;
  /** The same for a hash, which has nothing to escape. */
  hash(value: string): void;
  /** The digits of an amount, in quotes. Throws `outOfRange`. */
  amount(value: bigint, least: bigint): void;
  any(value: unknown): void;
};

/** Thrown for an amount that has no stored form. */
export const outOfRange = new Error('an amount out of range');

/** One page serves many events. */
const pageBytes = 65_536;
const quote = 0x22;
const backslash = 0x5c;

export function createJsonWriter(): JsonWriter {
  let page = Buffer.allocUnsafeSlow(pageBytes);
  /** Where the event begins, and where its next byte goes. */
  let from = 0;
  let at = 0;

  /** Moves the event to a page with room for `bytes` more. What was given out of the old one stays as it is. */
  const turn = (bytes: number) => {
    const begun = at - from;
    const next = Buffer.allocUnsafeSlow(Math.max(pageBytes, 2 * (begun + bytes)));
    page.copy(next, 0, from, at);
    page = next;
    from = 0;
    at = begun;
  };
  const encoded = (json: string) => {
    const bytes = Buffer.byteLength(json);
    if (at + bytes > page.length) turn(bytes);
    at += page.write(json, at);
  };

  return {
    begin() {
      from = at;
    },
    end: () => page.subarray(from, at),
    raw(piece) {
      const { length } = piece;
      if (at + length > page.length) turn(length);
      const target = page;
      const start = at;
      for (let index = 0; index < length; index++) target[start + index] = piece[index]!;
      at = start + length;
    },
    text(value) {
      const { length } = value;
      if (at + length + 2 > page.length) turn(length + 2);
      const target = page;
      let place = at;
      target[place++] = quote;
      for (let index = 0; index < length; index++) {
        const code = value.charCodeAt(index);
        if (code < 0x20 || code > 0x7e || code === quote || code === backslash) {
          encoded(JSON.stringify(value));
          return;
        }
        target[place++] = code;
      }
      target[place++] = quote;
      at = place;
    },
    hash(value) {
      const { length } = value;
      if (at + length + 2 > page.length) turn(length + 2);
      page[at] = quote;
      page.write(value, at + 1, length, 'latin1');
      page[at + length + 1] = quote;
      at += length + 2;
    },
    amount(value, least) {
      if (value < least || value >= amountLimit) throw outOfRange;
      this.text(value.toString());
    },
    any: (value) => encoded(JSON.stringify(value)),
  };
}
