/**
 * COPY BINARY of events that were serialised beforehand: what a program does that inserts rows as fast as the server
 * takes them. Batches are built once and sent again and again; only the fields that must be unique change in between.
 */
import type { NewEvent } from '@daybook/event-store';
import { createRandom } from './random';

export type Batch = {
  readonly bytes: Buffer;
  readonly events: number;
  /** Writes the place of the batch in its stream, and new ids. */
  renumber(first: bigint): void;
};
/** Rows can be sent without those after them. */
export type RowBatch = Batch & { first(events: number): Buffer };

const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const trailer = Buffer.from([0xff, 0xff]);
const random = createRandom(7);

/** One row per event: stream, revision, id, version, type, payload, metadata. */
export function rowBatch(stream: string, events: readonly NewEvent[]): RowBatch {
  const parts: Buffer[] = [header];
  const revisions: number[] = [];
  const ids: number[] = [];
  const ends: number[] = [];
  let length = header.length;
  const add = (part: Buffer) => {
    parts.push(part);
    length += part.length;
  };
  for (const { type, version, payload, metadata } of events) {
    add(int16(7));
    add(field(Buffer.from(stream)));
    add(field(Buffer.alloc(8)));
    revisions.push(length - 8);
    add(field(Buffer.alloc(16)));
    ids.push(length - 16);
    add(field(int32(version)));
    add(field(Buffer.from(type)));
    add(field(payload));
    add(field(Buffer.from(JSON.stringify(metadata))));
    ends.push(length);
  }
  parts.push(trailer);
  const bytes = Buffer.concat(parts);
  return {
    bytes,
    events: events.length,
    first: (count) => Buffer.concat([bytes.subarray(0, ends[count - 1]), trailer]),
    renumber(first) {
      for (const [index, offset] of revisions.entries()) bytes.writeBigInt64BE(first + BigInt(index), offset);
      for (const offset of ids) {
        for (let word = 0; word < 4; word++) bytes.writeUInt32BE(random.below(0x1_0000_0000), offset + 4 * word);
      }
    },
  };
}

/** One row for all: stream, first and last revision, count, ids, versions, types, payloads, metadata. */
export function packedBatch(stream: string, events: readonly NewEvent[]): Batch {
  const before = [header, int16(9), field(Buffer.from(stream))];
  const revisions = before.reduce((sum, part) => sum + part.length, 0);
  const id = Buffer.alloc(16, 1);
  const arrays = [
    array(
      2950,
      events.map(() => id),
    ),
    array(
      23,
      events.map(({ version }) => int32(version)),
    ),
    array(
      25,
      events.map(({ type }) => Buffer.from(type)),
    ),
    array(
      17,
      events.map(({ payload }) => payload),
    ),
    array(
      114,
      events.map(({ metadata }) => Buffer.from(JSON.stringify(metadata))),
    ),
  ];
  const places = [field(Buffer.alloc(8)), field(Buffer.alloc(8)), field(int32(events.length))];
  const bytes = Buffer.concat([...before, ...places, ...arrays.map(field), trailer]);
  return {
    bytes,
    events: events.length,
    renumber(first) {
      bytes.writeBigInt64BE(first, revisions + 4);
      bytes.writeBigInt64BE(first + BigInt(events.length) - 1n, revisions + 16);
    },
  };
}

function array(type: number, items: readonly Buffer[]): Buffer {
  return Buffer.concat([int32(1), int32(0), int32(type), int32(items.length), int32(1), ...items.map(field)]);
}

function field(value: Buffer): Buffer {
  return Buffer.concat([int32(value.length), value]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value, 0);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value, 0);
  return bytes;
}
