/**
 * How an append of the port stands on the server: one event of its stream, so that it is atomic whatever it holds. What
 * is too big for one event is written to a stream of its own first, in parts that nobody reads; the event that names
 * that stream is the append. A crash between the two leaves parts that stand for nothing.
 */
import { assert, OperationalError } from '@daybook/core';
import { sha256Hex, uuidFrom } from '@daybook/runtime';
import { z } from 'zod';
import type { NewEvent, StoredEvent } from '../event-store';
import { pack, unpack } from './packed-append';
import { positionOf } from './place';
import type { Appended, RecordedEvent, Wire, WireEvent } from './wire';

const appendType = 'daybook.append';
const partType = 'daybook.part';

/** What the server counts besides the payload: names, types, metadata. */
const overheadBytes = 8 * 1024;
const partBytesMin = 1024;
/** More than this in one append is a program that has lost its bounds. */
const partsMax = 256;
const partsPageSize = 16;

const revision = z
  .string()
  .regex(/^\d+$/)
  .transform((digits) => BigInt(digits));
const appendSchema = z.object({
  first: revision,
  count: z.number().int().min(1),
  body: z.object({ stream: z.string(), parts: z.number().int().min(1), sha256: z.string() }).optional(),
});

/** The events of the port that one event of the server stands for: revisions `first` to `first + count - 1`. */
export type Extent = { readonly first: bigint; readonly count: number };

export function extentOf(event: RecordedEvent): Extent {
  assert(event.type === appendType, `${event.stream} has an event of type ${event.type}, which is not ours`);
  const { first, count } = appendSchema.parse(event.metadata);
  return { first, count };
}

/** Appends as one event, which names the parts if there are any. A lower limit of the server is learned. */
export function appender(partsPrefix: string, bytesMax: number) {
  let limitBytes = bytesMax;
  return {
    async append(
      wire: Wire,
      stream: string,
      events: readonly NewEvent[],
      { first, last }: { readonly first: bigint; readonly last: bigint | 'no_stream' },
    ): Promise<Appended> {
      for (;;) {
        try {
          const whole = { ...wholeAppend(stream, events, first), partsPrefix };
          return await wire.append(stream, [await writeParts(wire, whole, limitBytes)], last);
        } catch (error) {
          const allowed = maximumOf(error);
          if (allowed === undefined || allowed >= limitBytes) throw error;
          limitBytes = allowed;
        }
      }
    },
  };
}

type Whole = {
  readonly id: string;
  readonly packed: Buffer;
  readonly sha256: string;
  readonly extent: Readonly<Record<string, unknown>>;
  readonly partsPrefix: string;
};

function wholeAppend(stream: string, events: readonly NewEvent[], first: bigint): Omit<Whole, 'partsPrefix'> {
  const packed = pack(events);
  const sha256 = sha256Hex(packed);
  // With the content in its id, the server takes for a repeat only what is one in every byte.
  const id = uuidFrom([stream, first.toString(), sha256]);
  return { id, packed, sha256, extent: { first: first.toString(), count: events.length } };
}

/** The one event to append, when what it may name is written. */
async function writeParts(wire: Wire, whole: Whole, limitBytes: number): Promise<WireEvent> {
  const { id, packed, sha256, extent } = whole;
  const partBytes = Math.max(limitBytes - overheadBytes, partBytesMin);
  if (packed.length <= partBytes) return { id, type: appendType, data: packed, metadata: extent };
  // Parts of another size are others, so that a repeat after the limit has changed does not meet the first ones.
  const stream = `${whole.partsPrefix}${uuidFrom([id, String(partBytes)])}`;
  const parts = await appendParts(wire, stream, packed, partBytes);
  return { id, type: appendType, data: Buffer.alloc(0), metadata: { ...extent, body: { stream, parts, sha256 } } };
}

async function appendParts(wire: Wire, stream: string, packed: Buffer, partBytes: number): Promise<number> {
  const parts = Math.ceil(packed.length / partBytes);
  assert(parts <= partsMax, `an append of ${packed.length} bytes is more than the store takes at once`);
  for (let part = 0; part < parts; part++) {
    const event = {
      id: uuidFrom([stream, String(part)]),
      type: partType,
      data: packed.subarray(part * partBytes, (part + 1) * partBytes),
      metadata: { part, parts },
    };
    const { outcome } = await wire.append(stream, [event], part === 0 ? 'no_stream' : BigInt(part - 1));
    // The same parts at the same places are a repeat, and nothing else has a reason to be in this stream.
    if (outcome !== 'done')
      throw new OperationalError('store_unavailable', true, { detail: `${stream} is in disorder` });
  }
  return parts;
}

/** The events of the port that stand in one event of the server. */
export async function storedEvents(wire: Wire, prefix: string, event: RecordedEvent): Promise<StoredEvent[]> {
  assert(event.type === appendType, `${event.stream} has an event of type ${event.type}, which is not ours`);
  const { first, count, body } = appendSchema.parse(event.metadata);
  const events = unpack(body === undefined ? event.data : await readParts(wire, body));
  assert(events.length === count, `${event.stream} at ${event.revision} holds ${events.length} events, not ${count}`);
  return events.map((stored, index) => ({
    ...stored,
    stream: event.stream.slice(prefix.length),
    revision: first + BigInt(index),
    position: positionOf(event.place, index),
    recordedAt: event.recordedAt,
  }));
}

async function readParts(
  wire: Wire,
  { stream, parts, sha256 }: { stream: string; parts: number; sha256: string },
): Promise<Buffer> {
  const read: Buffer[] = [];
  while (read.length < parts) {
    const from = { stream, revision: BigInt(read.length) };
    const page = await wire.read({ direction: 'forwards', limit: Math.min(parts - read.length, partsPageSize), from });
    assert(page.length > 0, `${stream} has lost parts of an append`);
    read.push(...page.map(({ data }) => data));
  }
  const packed = Buffer.concat(read);
  assert(sha256Hex(packed) === sha256, `${stream} has other bytes than were appended`);
  return packed;
}

/** The server's limit, when an error is that an append was over it. */
function maximumOf(error: unknown): number | undefined {
  const { type, maxAppendSize } = (error ?? {}) as { type?: unknown; maxAppendSize?: unknown };
  return type === 'maximum-append-size-exceeded' && typeof maxAppendSize === 'number' ? maxAppendSize : undefined;
}
