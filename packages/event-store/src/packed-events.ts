/**
 * Events out of a row of `appends` in Postgres' binary format. Written for speed: one pass a column, text decoded once
 * for the whole row, and nothing made for an event but what it is. What an event has of its row (payload, id, metadata)
 * shares the row's memory: who keeps one event of many for long copies it.
 */
import { assert } from '@daybook/core';
import { isAscii } from 'node:buffer';
import { start, type EventMetadata, type Position, type StoredEvent } from './event-store';

/** In the order that `eventsOfRow` expects. */
export const packedColumns = 'tx, position, first_revision, recorded_at, ids, types, versions, payloads, metadata';

/** Of the binary array format: dimensions, flags, element type, count, lower bound. */
const headerBytes = 20;
const countAt = 12;
const lengthBytes = 4;

/** Postgres counts microseconds from 2000-01-01. */
const epochMs = Date.UTC(2000, 0, 1);

/** Appends to `into` the events of the row whose revisions lie between `from` and `to`, both included. */
export function eventsOfRow(
  row: readonly Buffer[],
  range: { readonly stream: string; readonly from: number; readonly to: number },
  into: StoredEvent[],
): void {
  const [tx, position, firstRevision, recordedAt, ids, types, versions, payloads, metadata] = row;
  assert(ids && types && versions && payloads && metadata, 'a row without its columns');
  const count = ids.readInt32BE(countAt);
  const first = Number(firstRevision!.readBigInt64BE(0));
  const placeBefore = `${tx!.readBigUInt64BE(0)}:`;
  const place = position!.readBigInt64BE(0);
  const placeOf = numbersFrom(place, count);
  const at = new Date(Number(recordedAt!.readBigInt64BE(0) / 1_000n) + epochMs);
  const idText = uuidsText(ids, count);
  const typeAt = textReader(types);
  const metadataAt = metadataReader(metadata);
  const end = Math.min(count, range.to - first + 1);
  let payloadAt = headerBytes;
  for (let index = 0; index < end; index++) {
    const type = typeAt();
    const known = metadataAt(first + index >= range.from);
    const payloadLength = payloads.readInt32BE(payloadAt);
    const payloadFrom = payloadAt + lengthBytes;
    payloadAt = payloadFrom + payloadLength;
    if (first + index < range.from) continue;
    into.push({
      stream: range.stream,
      revision: BigInt(first + index),
      position: (placeBefore + placeOf(index)) as Position,
      id: idText.substring(index * uuidTextLength, (index + 1) * uuidTextLength),
      type,
      version: versions.readInt32BE(headerBytes + index * 8 + lengthBytes),
      payload: payloads.subarray(payloadFrom, payloadAt),
      metadata: known,
      recordedAt: at,
    });
  }
}

/** In the order that `bareEventsOfRow` expects. */
export const bareColumns = 'first_revision, types, versions, payloads';

const noMetadata: EventMetadata = { correlationId: '', causationId: '' };
const noTime = new Date(0);

/** As `eventsOfRow`, of events that have a revision, type, version and payload. */
export function bareEventsOfRow(
  row: readonly Buffer[],
  range: { readonly stream: string; readonly from: number; readonly to: number },
  into: StoredEvent[],
): void {
  const [firstRevision, types, versions, payloads] = row;
  assert(firstRevision && types && versions && payloads, 'a row without its columns');
  const first = Number(firstRevision.readBigInt64BE(0));
  const typeAt = textReader(types);
  const end = Math.min(payloads.readInt32BE(countAt), range.to - first + 1);
  let payloadAt = headerBytes;
  for (let index = 0; index < end; index++) {
    const type = typeAt();
    const payloadFrom = payloadAt + lengthBytes;
    payloadAt = payloadFrom + payloads.readInt32BE(payloadAt);
    if (first + index < range.from) continue;
    into.push({
      stream: range.stream,
      revision: BigInt(first + index),
      position: start,
      id: '',
      type,
      version: versions.readInt32BE(headerBytes + index * 8 + lengthBytes),
      payload: payloads.subarray(payloadFrom, payloadAt),
      metadata: noMetadata,
      recordedAt: noTime,
    });
  }
}

/** Small numbers are counted as such; big ones need big integers. */
function numbersFrom(first: bigint, count: number): (index: number) => number | bigint {
  const small = Number(first);
  if (Number.isSafeInteger(small + count)) return (index) => small + index;
  return (index) => first + BigInt(index);
}

const uuidTextLength = 36;
const uuidLength = 16;
const dash = 0x2d;
const hexDigits = Buffer.from('0123456789abcdef');

/** All ids as text, one behind the other. */
function uuidsText(ids: Buffer, count: number): string {
  const text = Buffer.allocUnsafe(count * uuidTextLength);
  let to = 0;
  for (let index = 0; index < count; index++) {
    const from = headerBytes + index * (lengthBytes + uuidLength) + lengthBytes;
    for (let place = 0; place < uuidLength; place++) {
      if (place === 4 || place === 6 || place === 8 || place === 10) text[to++] = dash;
      const byte = ids[from + place]!;
      text[to++] = hexDigits[byte >> 4]!;
      text[to++] = hexDigits[byte & 15]!;
    }
  }
  return text.toString('latin1', 0, to);
}

/** Reads one text after the other. Types repeat, so that most are the one before. */
function textReader(texts: Buffer): () => string {
  let at = headerBytes;
  let [known, knownFrom, knownLength] = ['', 0, 0];
  const isKnown = (from: number): boolean => {
    for (let index = 0; index < knownLength; index++)
      if (texts[from + index] !== texts[knownFrom + index]) return false;
    return true;
  };
  return () => {
    const length = texts.readInt32BE(at);
    const from = at + lengthBytes;
    at = from + length;
    if (length === knownLength && isKnown(from)) return known;
    known = texts.toString('utf8', from, at);
    [knownFrom, knownLength] = [from, length];
    return known;
  };
}

const correlationBefore = '{"correlationId":"';
const causationBefore = '","causationId":"';
const metadataAfter = '"}';

/**
 * Reads one metadata after the other; those that are not wanted are passed over. When no text of the row has an escape
 * or a character outside of ASCII, the two ids are cut out of it as they stand; `JSON.parse` does the others.
 */
function metadataReader(metadata: Buffer): (wanted: boolean) => EventMetadata {
  // The lengths between the texts are looked at too: one that resembles what is looked for costs time and no more.
  const text = isAscii(metadata.subarray(headerBytes)) ? metadata.toString('latin1') : '';
  const simple = text !== '' && !text.includes('\\');
  const none: EventMetadata = { correlationId: '', causationId: '' };
  let at = headerBytes;
  return (wanted) => {
    const from = at + lengthBytes;
    const to = from + metadata.readInt32BE(at);
    at = to;
    if (!wanted) return none;
    const middle = simple && text.startsWith(correlationBefore, from) ? text.indexOf(causationBefore, from) : -1;
    const causationFrom = middle + causationBefore.length;
    if (middle < 0 || text.indexOf('"', causationFrom) !== to - metadataAfter.length || text[to - 1] !== '}') {
      return JSON.parse(metadata.toString('utf8', from, to)) as EventMetadata;
    }
    return {
      correlationId: text.substring(from + correlationBefore.length, middle),
      causationId: text.substring(causationFrom, to - metadataAfter.length),
    };
  };
}
