/**
 * One-dimensional arrays in Postgres' binary wire format: a header of 20 bytes, then each element with its length in
 * front. The driver sends a Buffer as it is, which spares both sides from escaping and parsing array literals; with
 * bytes inside, that is most of the cost of a bulk insert.
 */
import { assert } from '@daybook/core';

/** Postgres' object ids of the element types. */
export const elementType = { bytea: 17, integer: 23, text: 25, json: 114, uuid: 2950 } as const;

export const headerBytes = 20;
export const lengthBytes = 4;
export const uuidLength = 16;

/** An array with its header written and room for `contentBytes` of elements. */
function arrayOf(type: number, count: number, contentBytes: number): Buffer {
  const array = Buffer.allocUnsafe(headerBytes + count * lengthBytes + contentBytes);
  writeHeader(array, type, count);
  return array;
}

export function writeHeader(array: Buffer, type: number, count: number): void {
  array.writeInt32BE(1, 0); // Dimensions.
  array.writeInt32BE(0, 4); // No nulls.
  array.writeInt32BE(type, 8);
  array.writeInt32BE(count, 12);
  array.writeInt32BE(1, 16); // Lower bound.
}

export function byteaArray(items: readonly Buffer[]): Buffer {
  const array = arrayOf(
    elementType.bytea,
    items.length,
    items.reduce((sum, { length }) => sum + length, 0),
  );
  let at = headerBytes;
  for (const item of items) {
    at = array.writeInt32BE(item.length, at);
    at += item.copy(array, at);
  }
  return array;
}

export function textArray(items: readonly string[], type: 'text' | 'json' = 'text'): Buffer {
  const lengths = new Int32Array(items.length);
  let length = 0;
  for (let index = 0; index < items.length; index++) {
    const item = items[index]!;
    // Types repeat.
    lengths[index] = index > 0 && item === items[index - 1] ? lengths[index - 1]! : Buffer.byteLength(item);
    length += lengths[index]!;
  }
  const array = arrayOf(elementType[type], items.length, length);
  let at = headerBytes;
  for (let index = 0; index < items.length; index++) {
    at = array.writeInt32BE(lengths[index]!, at);
    at += array.write(items[index]!, at);
  }
  return array;
}

export function integerArray(items: readonly number[]): Buffer {
  const array = arrayOf(elementType.integer, items.length, items.length * 4);
  let at = headerBytes;
  for (const item of items) {
    at = array.writeInt32BE(4, at);
    at = array.writeInt32BE(item, at);
  }
  return array;
}

export function uuidArray(items: readonly string[]): Buffer {
  const array = arrayOf(elementType.uuid, items.length, items.length * uuidLength);
  let at = headerBytes;
  for (const item of items) {
    at = array.writeInt32BE(uuidLength, at);
    at = writeUuid(array, at, item);
  }
  return array;
}

/** Where the sixteen bytes stand in the text. */
const uuidPlaces = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

const hexDigits = new Int8Array(128).fill(-1);
for (const [value, digit] of [...'0123456789abcdef'].entries()) hexDigits[digit.charCodeAt(0)] = value;

function writeUuid(target: Buffer, start: number, id: string): number {
  const dashed = id.length === 36 && id[8] === '-' && id[13] === '-' && id[18] === '-' && id[23] === '-';
  let signs = dashed ? 0 : -1;
  for (let index = 0; index < uuidLength; index++) {
    const place = uuidPlaces[index]!;
    const byte = (hexDigit(id, place) << 4) | hexDigit(id, place + 1);
    signs |= byte;
    target[start + index] = byte;
  }
  assert(signs >= 0, `${id} is not a lower-case UUID`);
  return start + uuidLength;
}

/** Negative for what is not a lower-case hexadecimal digit. */
function hexDigit(text: string, place: number): number {
  return hexDigits[text.charCodeAt(place)] ?? -1;
}
