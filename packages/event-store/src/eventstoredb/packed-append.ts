/**
 * One append of the port as one event of the server: a format byte, the length of a JSON header, the header with what
 * each event is, then the payloads, byte for byte.
 */
import { assert } from '@daybook/core';
import { z } from 'zod';
import type { NewEvent } from '../event-store';

const format = 1;
const prefixBytes = 5;

const headerSchema = z.array(
  z.object({
    id: z.string(),
    type: z.string(),
    version: z.number().int(),
    bytes: z.number().int().min(0),
    metadata: z.object({ correlationId: z.string(), causationId: z.string() }),
  }),
);

export function pack(events: readonly NewEvent[]): Buffer {
  const header = events.map(({ id, type, version, payload, metadata: { correlationId, causationId } }) => {
    return { id, type, version, bytes: payload.length, metadata: { correlationId, causationId } };
  });
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt8(format, 0);
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, text, ...events.map(({ payload }) => payload)]);
}

export function unpack(packed: Buffer): NewEvent[] {
  assert(packed.length >= prefixBytes && packed.readUInt8(0) === format, 'an append is packed in an unknown format');
  const headerEnd = prefixBytes + packed.readUInt32BE(1);
  const header = headerSchema.parse(JSON.parse(packed.toString('utf8', prefixBytes, headerEnd)));
  let offset = headerEnd;
  const events = header.map(({ bytes, ...event }) => {
    const payload = packed.subarray(offset, (offset += bytes));
    return { ...event, payload };
  });
  assert(offset === packed.length, 'a packed append has another length than its header says');
  return events;
}
