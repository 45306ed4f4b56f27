/**
 * Sealing: an event is written behind the ones before it where it will be sent from, and hashed there. So it costs no
 * object of its own but its hash.
 */
import { createEventColumns, type EventColumns, type EventMetadata } from '@daybook/event-store';
import { sha256Hex } from '@daybook/runtime';
import type { BookEvent } from '../domain/book-events';
import { Unrecordable, type SealedEvents } from '../ports';
import { plainTextOfBookEvent, storedForms, textOfBookEvent } from './stored-events';

/** Writes the event, and returns its hash. */
export function seal(sealed: SealedEvents, event: BookEvent, previousHash: string, metadata: EventMetadata): string {
  const { columns, hashes, times } = sealed;
  const plain = plainTextOfBookEvent(event, previousHash);
  const bytes = plain === undefined ? columns.write(recordable(event, previousHash)) : columns.write(plain, 'latin1');
  const hash = sha256Hex(bytes);
  columns.add(event.type, storedForms[event.type].version, metadata);
  hashes.push(hash);
  times.push(event.at);
  return hash;
}

/** The hash that the event would have. */
export function hashOf(event: BookEvent, previousHash: string): string {
  return sha256Hex(recordable(event, previousHash));
}

function recordable(event: BookEvent, previousHash: string): string {
  try {
    return textOfBookEvent(event, previousHash);
  } catch (cause) {
    throw new Unrecordable(`${event.type}: ${(cause as Error).message}`, { cause });
  }
}

/** Takes back all but the first. */
export function unseal({ columns, hashes, times }: SealedEvents, length: number): void {
  columns.truncate(length);
  hashes.length = length;
  times.length = length;
}

/** Who appends: the half of an id that tells its appends from those of others who have decided the same. */
export type Author = { readonly word2: number; readonly word3: number };

export function authorOf(name: string): Author {
  const hash = sha256Hex(name);
  return { word2: (0x8000 | digits(hash, 0, 3)) * 0x1_0000 + digits(hash, 3, 4), word3: digits(hash, 7, 8) };
}

/**
 * An id is taken from the event's own hash, which stands for its bytes, its place and all before it, and from that of the
 * last event of the append with its author. So an append repeated is recognised, and what another process has stored of the
 * same bytes is not taken for one: more may stand behind it (ADR 58).
 */
export function identify({ columns, hashes }: SealedEvents, author: Author): void {
  const last = hashes.at(-1)!;
  // The variant of a UUID is the author's: what is added to it leaves it as it is.
  const word2 = (author.word2 ^ (digits(last, 0, 3) * 0x1_0000 + digits(last, 3, 4))) >>> 0;
  const word3 = (author.word3 ^ digits(last, 7, 8)) >>> 0;
  for (let index = 0; index < hashes.length; index++) {
    const hash = hashes[index]!;
    columns.setId(
      index,
      digits(hash, 0, 8),
      digits(hash, 8, 4) * 0x1_0000 + 0x8000 + digits(hash, 12, 3),
      word2,
      word3,
    );
  }
}

function digits(hash: string, from: number, count: number): number {
  let value = 0;
  for (let index = from; index < from + count; index++) {
    const code = hash.charCodeAt(index);
    value = value * 16 + code - (code < 0x60 ? 0x30 : 0x57);
  }
  return value;
}

/** More than this is not kept for the next batch. */
const keptBytes = 4_194_304;
const keptMax = 3;

/** Columns are filled again when what was in them is stored. */
export function sealedPool(): { begin(): SealedEvents; done(sealed: SealedEvents): void } {
  const spare: EventColumns[] = [];
  return {
    begin: () => ({ first: -1, columns: spare.pop() ?? createEventColumns(), hashes: [], times: [], attempts: 0 }),
    done({ columns }) {
      if (spare.length >= keptMax || columns.capacity > keptBytes) return;
      columns.clear();
      spare.push(columns);
    },
  };
}
