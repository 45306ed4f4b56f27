/**
 * Values in Postgres' binary wire format, each behind its length, as arrays and COPY want them. Written into one growing
 * buffer: a read model writes millions of small values, and a Buffer for each would cost more than the rest.
 */
import { assert, AssertionError } from '@daybook/core';
import { columnTypes, type ColumnType, type Value } from './projection-table';

export type ByteSink = { bytes: Buffer; length: number };

export function byteSink(size = 4_096): ByteSink {
  return { bytes: Buffer.allocUnsafe(size), length: 0 };
}

/** Makes room and returns where it begins. */
function reserve(sink: ByteSink, size: number): number {
  const at = sink.length;
  if (at + size > sink.bytes.length) {
    const grown = Buffer.allocUnsafe(Math.max(sink.bytes.length * 2, at + size));
    sink.bytes.copy(grown, 0, 0, at);
    sink.bytes = grown;
  }
  return at;
}

export function writeInt16(sink: ByteSink, value: number): void {
  const at = reserve(sink, 2);
  sink.bytes.writeInt16BE(value, at);
  sink.length = at + 2;
}

export function writeInt32(sink: ByteSink, value: number): void {
  const at = reserve(sink, 4);
  sink.bytes.writeInt32BE(value, at);
  sink.length = at + 4;
}

type Write = (sink: ByteSink, value: Value) => void;

const writers: Readonly<Record<ColumnType, Write>> = {
  text: (sink, value) => writeText(sink, value as string, 0),
  jsonb: (sink, value) => writeText(sink, value as string, 1),
  uuid: (sink, value) => writeUuid(sink, value as string),
  integer(sink, value) {
    const at = reserve(sink, 8);
    sink.bytes.writeInt32BE(4, at);
    sink.bytes.writeInt32BE(value as number, at + 4);
    sink.length = at + 8;
  },
  bigint: (sink, value) => writeInt64(sink, value as bigint),
  numeric: (sink, value) => writeNumeric(sink, value as bigint),
  boolean(sink, value) {
    const at = reserve(sink, 5);
    sink.bytes.writeInt32BE(1, at);
    sink.bytes[at + 4] = value === true ? 1 : 0;
    sink.length = at + 5;
  },
  timestamptz: (sink, value) => writeMicroseconds(sink, (millisecondsOf(value as string) - epochMs) * 1_000),
  date(sink, value) {
    const at = reserve(sink, 8);
    sink.bytes.writeInt32BE(4, at);
    sink.bytes.writeInt32BE((millisecondsOf(value as string) - epochMs) / dayMs, at + 4);
    sink.length = at + 8;
  },
};

export function writerOf(type: ColumnType): Write {
  const write = writers[type];
  return (sink, value) => {
    assert(value !== undefined, 'a row without one of its columns');
    if (value === null) writeInt32(sink, -1);
    else write(sink, value);
  };
}

/** A one-dimensional array of a column's values. */
export function valuesArray(
  type: ColumnType,
  rows: readonly Readonly<Record<string, Value>>[],
  column: string,
): Buffer {
  const sink = byteSink(20 + rows.length * 20);
  writeInt32(sink, 1); // Dimensions.
  writeInt32(sink, 1); // May hold nulls.
  writeInt32(sink, columnTypes[type].oid);
  writeInt32(sink, rows.length);
  writeInt32(sink, 1); // Lower bound.
  const write = writers[type];
  for (const row of rows) {
    const value = row[column];
    if (value === undefined) throw new AssertionError(`a row without ${column}`);
    if (value === null) writeInt32(sink, -1);
    else write(sink, value);
  }
  return sink.bytes.subarray(0, sink.length);
}

/** Below it a loop is faster than a call into the runtime. */
const shortText = 64;

function writeText(sink: ByteSink, value: string, prefix: 0 | 1): void {
  const at = reserve(sink, 5 + value.length * 3);
  const { bytes } = sink;
  const from = at + 4 + prefix;
  if (prefix === 1) bytes[at + 4] = 1; // The version of jsonb.
  const length = asciiInto(bytes, from, value) ? value.length : bytes.write(value, from, 'utf8');
  bytes.writeInt32BE(length + prefix, at);
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

const nibbles = new Uint8Array(128).fill(255);
for (const [value, digit] of [...'0123456789abcdef'].entries()) nibbles[digit.charCodeAt(0)] = value;

function writeUuid(sink: ByteSink, value: string): void {
  const at = reserve(sink, 20);
  const { bytes } = sink;
  bytes.writeInt32BE(16, at);
  let to = at + 4;
  let wrong = value.length === 36 ? 0 : 255;
  for (let index = 0; index < 36; index += 2) {
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      if (value.charCodeAt(index) !== 45) wrong = 255;
      index += 1;
    }
    const high = nibbles[value.charCodeAt(index)] ?? 255;
    const low = nibbles[value.charCodeAt(index + 1)] ?? 255;
    wrong |= (high | low) & 240;
    bytes[to++] = (high << 4) | low;
  }
  if (wrong !== 0) throw new AssertionError(`${value} is not a lower-case UUID`);
  sink.length = at + 20;
}

function writeInt64(sink: ByteSink, value: bigint): void {
  const at = reserve(sink, 12);
  sink.bytes.writeInt32BE(8, at);
  sink.bytes.writeBigInt64BE(value, at + 4);
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
  sink.bytes.writeInt32BE(8, at);
  const high = Math.floor(micros / 0x1_0000_0000);
  sink.bytes.writeInt32BE(high, at + 4);
  sink.bytes.writeUInt32BE(micros - high * 0x1_0000_0000, at + 8);
  sink.length = at + 12;
}

const digits = new Uint16Array(4);

/** Digits of base 10,000, the first with weight 10,000^weight, behind count, weight, sign and scale. */
function writeNumeric(sink: ByteSink, value: bigint): void {
  const negative = value < 0n;
  const magnitude = negative ? -value : value;
  const groups = magnitude <= 9_007_199_254_740_991n ? groupsOfNumber(Number(magnitude)) : groupsOf(magnitude);
  const count = groups.length;
  const at = reserve(sink, 12 + count * 2);
  const { bytes } = sink;
  bytes.writeInt32BE(8 + count * 2, at);
  bytes.writeInt16BE(count, at + 4);
  bytes.writeInt16BE(Math.max(count - 1, 0), at + 6);
  bytes.writeUInt16BE(negative ? 0x4000 : 0, at + 8);
  bytes.writeUInt16BE(0, at + 10);
  for (let index = 0; index < count; index++) bytes.writeUInt16BE(groups[index]!, at + 12 + index * 2);
  sink.length = at + 12 + count * 2;
}

/** Up to 2^53, which has four groups. The result is only good until the next call. */
function groupsOfNumber(magnitude: number): Uint16Array {
  let rest = magnitude;
  let from = 4;
  while (rest > 0) {
    const next = Math.floor(rest / 10_000);
    digits[--from] = rest - next * 10_000;
    rest = next;
  }
  return digits.subarray(from);
}

function groupsOf(magnitude: bigint): number[] {
  const text = magnitude.toString();
  const groups: number[] = [];
  for (let end = text.length; end > 0; end -= 4) groups.unshift(Number(text.slice(Math.max(end - 4, 0), end)));
  return groups;
}
