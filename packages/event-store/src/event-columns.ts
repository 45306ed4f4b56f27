/**
 * Events on their way to the store, in the columns of an append: arrays in Postgres' binary wire format (as in
 * `binary-array.ts`). Whoever appends many can write each payload where it will be sent from, so that an event needs no
 * object, no buffer and no copy of its own. Every adapter takes them, as what they hold: events one after the other.
 */
import { assert, AssertionError } from '@daybook/core';
import { elementType, headerBytes, lengthBytes, uuidLength, writeHeader } from './binary-array';
import type { EventMetadata, NewEvent } from './event-store';

/** Bytes that are being written; what comes next goes to `end`. */
type ByteColumn = { bytes: Buffer; end: number };

export type EventColumns = Iterable<NewEvent> & {
  readonly length: number;
  /** Bytes of memory that are there for payloads. */
  readonly capacity: number;
  /** Writes the payload of the next event where it will be sent from, and returns these bytes: good until the next change. */
  write(payload: Buffer | string, encoding?: 'latin1' | 'utf8'): Buffer;
  /** Adds an event with the payload that was written last. Its id is to be set. */
  add(type: string, version: number, metadata: EventMetadata): void;
  /** The sixteen bytes of an id. */
  setId(index: number, word0: number, word1: number, word2: number, word3: number): void;
  /** Leaves only the first. */
  truncate(length: number): void;
  /** Empties it for new events. What was read out of it is not to be used any more. */
  clear(): void;
  /** Arrays of ids, types, versions, payloads and metadata. They are part of this: good until the next change. */
  arrays(): readonly Buffer[];
};

function makeRoom(column: ByteColumn, bytes: number): void {
  if (column.end + bytes <= column.bytes.length) return;
  const grown = Buffer.allocUnsafeSlow(Math.max(2 * column.bytes.length, column.end + bytes));
  column.bytes.copy(grown, 0, 0, column.end);
  column.bytes = grown;
}

export function createEventColumns(): EventColumns {
  const ids = column();
  const kinds = kindColumns();
  const payloads = column();
  const metadata = metadataColumn();
  let length = 0;
  let written = 0;
  return {
    get length() {
      return length;
    },
    get capacity() {
      return payloads.bytes.length;
    },
    write(payload, encoding = 'utf8') {
      // A character takes three bytes at most.
      const bytesMax = (encoding === 'utf8' && typeof payload === 'string' ? 3 : 1) * payload.length;
      makeRoom(payloads, lengthBytes + bytesMax);
      const { bytes, end } = payloads;
      const from = end + lengthBytes;
      written = typeof payload === 'string' ? bytes.write(payload, from, encoding) : payload.copy(bytes, from);
      return bytes.subarray(from, from + written);
    },
    add(type, version, meta) {
      payloads.end = payloads.bytes.writeInt32BE(written, payloads.end) + written;
      metadata.add(meta);
      makeRoom(ids, lengthBytes + uuidLength);
      ids.end = ids.bytes.writeInt32BE(uuidLength, ids.end) + uuidLength;
      kinds.add(type, version);
      length += 1;
    },
    setId(index, word0, word1, word2, word3) {
      if (index >= length) throw new AssertionError('an id of no event');
      const { bytes } = ids;
      let at = headerBytes + index * (lengthBytes + uuidLength) + lengthBytes;
      at = bytes.writeInt32BE(word0 | 0, at);
      at = bytes.writeInt32BE(word1 | 0, at);
      at = bytes.writeInt32BE(word2 | 0, at);
      bytes.writeInt32BE(word3 | 0, at);
    },
    truncate(to) {
      if (to >= length) return;
      ids.end = headerBytes + to * (lengthBytes + uuidLength);
      payloads.end = endOf(payloads, to);
      metadata.truncate(to);
      kinds.drop(length - to);
      length = to;
    },
    clear() {
      ids.end = payloads.end = headerBytes;
      metadata.truncate(0);
      kinds.drop(length);
      length = 0;
    },
    arrays() {
      const { types, versions } = kinds.filled();
      return [
        finished(ids, 'uuid', length),
        finished(types, 'text', length),
        finished(versions, 'integer', length),
        finished(payloads, 'bytea', length),
        finished(metadata.column, 'json', length),
      ];
    },
    [Symbol.iterator]: () => eventsIn({ ids, payloads, metadata: metadata.column, kinds: kinds.runs() }),
  };
}

function* eventsIn({
  ids,
  payloads,
  metadata,
  kinds,
}: Record<'ids' | 'payloads' | 'metadata', ByteColumn> & { readonly kinds: readonly Kind[] }): Generator<NewEvent> {
  const [idAt, payloadAt, metadataAt] = [elements(ids), elements(payloads), elements(metadata)];
  for (const { type, version, count } of kinds) {
    for (let n = 0; n < count; n++) {
      yield {
        id: uuidText(idAt()),
        type,
        version,
        // It may outlive the columns.
        payload: Buffer.from(payloadAt()),
        metadata: JSON.parse(metadataAt().toString()) as EventMetadata,
      };
    }
  }
}

export function columnsOf(events: Iterable<NewEvent>): EventColumns {
  const columns = createEventColumns();
  for (const { id, type, version, payload, metadata } of events) {
    columns.write(payload);
    columns.add(type, version, metadata);
    const hex = id.replaceAll('-', '');
    assert(uuid.test(id), `${id} is not a lower-case UUID`);
    const word = (n: number) => Number.parseInt(hex.slice(8 * n, 8 * n + 8), 16);
    columns.setId(columns.length - 1, word(0), word(1), word(2), word(3));
  }
  return columns;
}

export function areColumns(events: Iterable<NewEvent>): events is EventColumns {
  return 'arrays' in events;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const firstBytes = 4_096;

function column(): ByteColumn {
  return { bytes: Buffer.allocUnsafeSlow(firstBytes), end: headerBytes };
}

/** Events in a row of one type and version, which most are. */
type Kind = { readonly type: string; readonly version: number; count: number };

function kindColumns() {
  const types = column();
  const versions = column();
  const runs: Kind[] = [];
  return {
    runs: () => runs,
    add(type: string, version: number): void {
      const last = runs.at(-1);
      if (last?.type === type && last.version === version) last.count += 1;
      else runs.push({ type, version, count: 1 });
    },
    drop(count: number): void {
      for (let excess = count; excess > 0;) {
        const last = runs.at(-1)!;
        const dropped = Math.min(excess, last.count);
        last.count -= dropped;
        excess -= dropped;
        if (last.count === 0) runs.pop();
      }
    },
    filled() {
      types.end = versions.end = headerBytes;
      for (const { type, version, count } of runs) {
        fill(types, lengthPrefixed(Buffer.from(type)), count);
        fill(versions, int32Element(version), count);
      }
      return { types, versions };
    },
  };
}

/** Texts of metadata. Those of one command are one object, and of most events both ids are one. */
function metadataColumn() {
  const texts = column();
  let last: EventMetadata | undefined;
  let lastAt = 0;
  return {
    column: texts,
    add(metadata: EventMetadata): void {
      const start = texts.end;
      if (metadata === last) {
        makeRoom(texts, start - lastAt);
        texts.bytes.copyWithin(start, lastAt, start);
        texts.end = start + (start - lastAt);
      } else {
        writeText(texts, metadata);
      }
      last = metadata;
      lastAt = start;
    },
    truncate(length: number): void {
      texts.end = endOf(texts, length);
      last = undefined;
    },
  };
}

/** What JSON has in quotes as it is, a byte for each character. */
const plain = /^[ !#-[\]-~]*$/;

function writeText(texts: ByteColumn, { correlationId, causationId }: EventMetadata): void {
  const isPlain = plain.test(correlationId) && (causationId === correlationId || plain.test(causationId));
  const text = isPlain
    ? `{"correlationId":"${correlationId}","causationId":"${causationId}"}`
    : JSON.stringify({ correlationId, causationId });
  const bytes = isPlain ? text.length : Buffer.byteLength(text);
  makeRoom(texts, lengthBytes + bytes);
  const at = texts.bytes.writeInt32BE(bytes, texts.end);
  texts.bytes.write(text, at, bytes, isPlain ? 'latin1' : 'utf8');
  texts.end = at + bytes;
}

function lengthPrefixed(content: Buffer): Buffer {
  const element = Buffer.allocUnsafe(lengthBytes + content.length);
  element.writeInt32BE(content.length, 0);
  content.copy(element, lengthBytes);
  return element;
}

function int32Element(value: number): Buffer {
  const content = Buffer.allocUnsafe(4);
  content.writeInt32BE(value, 0);
  return lengthPrefixed(content);
}

/** The same element so many times. */
function fill(to: ByteColumn, element: Buffer, count: number): void {
  const bytes = element.length * count;
  makeRoom(to, bytes);
  to.bytes.fill(element, to.end, to.end + bytes);
  to.end += bytes;
}

function finished(of: ByteColumn, type: keyof typeof elementType, count: number): Buffer {
  writeHeader(of.bytes, elementType[type], count);
  return of.bytes.subarray(0, of.end);
}

/** Reads one element after the other. */
function elements(of: ByteColumn): () => Buffer {
  let at = headerBytes;
  return () => {
    const from = at + lengthBytes;
    at = from + of.bytes.readInt32BE(at);
    return of.bytes.subarray(from, at);
  };
}

/** Where the element behind the first `count` begins. */
function endOf(of: ByteColumn, count: number): number {
  let at = headerBytes;
  for (let n = 0; n < count; n++) at += lengthBytes + of.bytes.readInt32BE(at);
  return at;
}
