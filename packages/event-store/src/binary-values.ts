/**
 * Values in Postgres' binary wire format, each behind its length, as arrays and COPY want them. Written into one growing
 * buffer: a read model writes millions of small values, and a Buffer for each would cost more than the rest.
 */
import { assert, AssertionError } from '@daybook/core';
import { columnTypes, type ColumnType, type Value } from './projection-table';

/** `view` is of the same bytes: it writes a number without a call, where a Buffer makes one. */
export type ByteSink = { bytes: Buffer; view: DataView; length: number };

export function byteSink(size: number): ByteSink {
  const bytes = Buffer.allocUnsafe(size);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, size), length: 0 };
}

/** Makes room and returns where it begins. */
function reserve(sink: ByteSink, size: number): number {
  const at = sink.length;
  if (at + size > sink.bytes.length) {
    const { bytes, view } = byteSink(Math.max(sink.bytes.length * 2, at + size));
    sink.bytes.copy(bytes, 0, 0, at);
    sink.bytes = bytes;
    sink.view = view;
  }
  return at;
}

export function writeInt16(sink: ByteSink, value: number): void {
  const at = reserve(sink, 2);
  sink.view.setInt16(at, value);
  sink.length = at + 2;
}

function writeInt32(sink: ByteSink, value: number): void {
  const at = reserve(sink, 4);
  sink.view.setInt32(at, value);
  sink.length = at + 4;
}

type Write = (sink: ByteSink, value: Value) => void;

const writers: Readonly<Record<ColumnType, Write>> = {
  text: (sink, value) => writeText(sink, value as string, 0),
  jsonb: (sink, value) => writeText(sink, value as string, 1),
  uuid: (sink, value) => writeUuid(sink, value as string),
  integer: (sink, value) => writeInteger(sink, value as number),
  bigint: (sink, value) => writeInt64(sink, value as bigint),
  numeric: (sink, value) => writeNumeric(sink, value as bigint),
  boolean(sink, value) {
    const at = reserve(sink, 5);
    sink.view.setInt32(at, 1);
    sink.bytes[at + 4] = value === true ? 1 : 0;
    sink.length = at + 5;
  },
  timestamptz: (sink, value) => writeMicroseconds(sink, (millisecondsOf(value as string) - epochMs) * 1_000),
  date(sink, value) {
    const at = reserve(sink, 8);
    sink.view.setInt32(at, 4);
    sink.view.setInt32(at + 4, (millisecondsOf(value as string) - epochMs) / dayMs);
    sink.length = at + 8;
  },
};

export function writerOf(type: ColumnType): Write {
  const write = writers[type];
  return (sink, value) => {
    if (value === undefined) throw new AssertionError('a row without one of its columns');
    if (value === null) writeInt32(sink, -1);
    else write(sink, value);
  };
}

/** One-dimensional arrays of the values of these columns. A row is gone through once: it may not be in the cache. */
export function valuesArrays(
  columns: readonly (readonly [name: string, type: ColumnType])[],
  rows: readonly Readonly<Record<string, Value>>[],
): Buffer[] {
  const sinks = columns.map(([, type]) => {
    const sink = byteSink(20 + rows.length * 20);
    writeInt32(sink, 1); // Dimensions.
    writeInt32(sink, 1); // May hold nulls.
    writeInt32(sink, columnTypes[type].oid);
    writeInt32(sink, rows.length);
    writeInt32(sink, 1); // Lower bound.
    return sink;
  });
  const names = columns.map(([name]) => name);
  const write = columns.map(([, type]) => writers[type]);
  for (const row of rows) {
    for (let index = 0; index < names.length; index++) {
      const value = row[names[index]!];
      if (value === undefined) throw new AssertionError(`a row without ${names[index]!}`);
      if (value === null) writeInt32(sinks[index]!, -1);
      else write[index]!(sinks[index]!, value);
    }
  }
  return sinks.map(({ bytes, length }) => bytes.subarray(0, length));
}

/** Up to it a loop is faster than a call into the runtime. */
const shortText = 24;

function writeText(sink: ByteSink, value: string, prefix: 0 | 1): void {
  const at = reserve(sink, 5 + value.length * 3);
  const { bytes } = sink;
  const from = at + 4 + prefix;
  if (prefix === 1) bytes[at + 4] = 1; // The version of jsonb.
  const length = asciiInto(bytes, from, value) ? value.length : bytes.write(value, from, 'utf8');
  sink.view.setInt32(at, length + prefix);
  sink.length = from + length;
}

function asciiInto(bytes: Buffer, from: number, value: string): boolean {
  const { length } = value;
  if (length > shortText) return false;
  for (let index = 0; index < length; index++) {
    const code = value.charCodeAt(index);
    if (code > 127) return false;
    bytes[from + index] = code;
  }
  return true;
}

const nibbles = new Uint8Array(256).fill(255);
for (const [value, digit] of [...'0123456789abcdef'].entries()) nibbles[digit.charCodeAt(0)] = value;

/** Above 15 when it is none. */
function nibbleAt(value: string, index: number): number {
  const code = value.charCodeAt(index);
  return nibbles[code & 255]! | (code & 0xff00);
}

function writeUuid(sink: ByteSink, value: string): void {
  const at = reserve(sink, 20);
  const { bytes } = sink;
  sink.view.setInt32(at, 16);
  let to = at + 4;
  let wrong = value.length === 36 ? 0 : 255;
  for (let index = 0; index < 36; index += 2) {
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      if (value.charCodeAt(index) !== 45) wrong = 255;
      index += 1;
    }
    const high = nibbleAt(value, index);
    const low = nibbleAt(value, index + 1);
    wrong |= (high | low) & 0xfff0;
    bytes[to++] = (high << 4) | low;
  }
  if (wrong !== 0) throw new AssertionError(`${value} is not a lower-case UUID`);
  sink.length = at + 20;
}

// A view would write the last bits of a number that is too large, and no word of it.
function writeInteger(sink: ByteSink, value: number): void {
  if ((value | 0) !== value) throw new AssertionError(`${value} is not an integer`);
  const at = reserve(sink, 8);
  sink.view.setInt32(at, 4);
  sink.view.setInt32(at + 4, value);
  sink.length = at + 8;
}

function writeInt64(sink: ByteSink, value: bigint): void {
  if (BigInt.asIntN(64, value) !== value) throw new AssertionError(`${value} is not a bigint`);
  const at = reserve(sink, 12);
  sink.view.setInt32(at, 8);
  sink.view.setBigInt64(at + 4, value);
  sink.length = at + 12;
}

const dayMs = 86_400_000;
/** Postgres counts from 2000-01-01. */
const epochMs = Date.UTC(2000, 0, 1);

let knownTime = '';
let knownMs = 0;

/** Times repeat: all events of a batch, and all columns of a row, mostly say the same. */
function millisecondsOf(time: string): number {
  if (time !== knownTime) {
    knownMs = Date.parse(time);
    assert(Number.isFinite(knownMs), `${time} is not a time`);
    knownTime = time;
  }
  return knownMs;
}

function writeMicroseconds(sink: ByteSink, micros: number): void {
  const at = reserve(sink, 12);
  const { view } = sink;
  view.setInt32(at, 8);
  const high = Math.floor(micros / 0x1_0000_0000);
  view.setInt32(at + 4, high);
  view.setUint32(at + 8, micros - high * 0x1_0000_0000);
  sink.length = at + 12;
}

const noDigits: readonly number[] = [];

/** Of a numeric: count of its digits, weight of the first, sign and scale. */
const numericHeaderBytes = 8;

/** Digits of base 10,000, the first with weight 10,000^weight, behind count, weight, sign and scale. */
function writeNumeric(sink: ByteSink, value: bigint): void {
  const negative = value < 0n;
  const magnitude = negative ? -value : value;
  const isSmall = magnitude <= 9_007_199_254_740_991n;
  const small = isSmall ? Number(magnitude) : 0;
  const large = isSmall ? noDigits : digitsOf(magnitude);
  const count = isSmall ? countOfDigits(small) : large.length;
  const at = reserve(sink, 4 + numericHeaderBytes + count * 2);
  const { view } = sink;
  view.setInt32(at, numericHeaderBytes + count * 2);
  view.setInt16(at + 4, count);
  view.setInt16(at + 6, Math.max(count - 1, 0));
  view.setUint16(at + 8, negative ? 0x4000 : 0);
  view.setUint16(at + 10, 0);
  const first = at + 4 + numericHeaderBytes;
  for (let index = 0; index < large.length; index++) view.setUint16(first + index * 2, large[index]!);
  for (let index = count - 1, rest = small; rest > 0; index--) {
    const next = Math.floor(rest / 10_000);
    view.setUint16(first + index * 2, rest - next * 10_000);
    rest = next;
  }
  sink.length = first + count * 2;
}

/** Up to 2^53. */
function countOfDigits(magnitude: number): number {
  let count = 0;
  for (let limit = 1; magnitude >= limit; limit *= 10_000) count += 1;
  return count;
}

function digitsOf(magnitude: bigint): number[] {
  const text = magnitude.toString();
  const digits: number[] = [];
  for (let end = text.length; end > 0; end -= 4) digits.unshift(Number(text.slice(Math.max(end - 4, 0), end)));
  return digits;
}
