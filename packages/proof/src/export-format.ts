/**
 * The file of an export: JSON Lines, each line in one canonical form, so that a line can be compared byte by byte with
 * what its content gives.
 *
 *   header      where the range begins: the tree and the head of the chain before it, and changes of keys before it
 *   event       one for each event, in order; between them, before the event that follows what it covers:
 *   checkpoint  a signed checkpoint of a size within the range
 *   manifest    what the file holds, and how its end stands in the first checkpoint that covers all of it
 *
 * Nothing in the file is to be believed for being there: the verifier recomputes all of it up to signatures.
 */
import { hashBytes, sha256 } from './sha256';
import type { SignedCheckpoint } from './checkpoint';

export const exportFormat = 'daybook-export/1';

export type ExportHeader = {
  readonly type: 'header';
  readonly format: typeof exportFormat;
  /** What signed checkpoints of the book begin with. */
  readonly origin: string;
  readonly book: string;
  /** Sequence of the first event, and of the last; `first - 1` when there is none. */
  readonly first: number;
  readonly last: number;
  /** Hex SHA-256 of the event before the first; 64 zeros when there is none. */
  readonly previousHash: string;
  /** Hashes of the tree over the events before the first, base64, as a frontier keeps them. */
  readonly tree: readonly string[];
  /** The checkpoints of sizes up to `first` that name a next key, oldest first. */
  readonly keyChanges: readonly SignedCheckpoint[];
};

export type ExportEvent = { readonly type: 'event'; readonly sequence: number; readonly payload: Buffer };

export type ExportCheckpoint = { readonly type: 'checkpoint' } & SignedCheckpoint;

export type ExportManifest = {
  readonly type: 'manifest';
  readonly format: typeof exportFormat;
  readonly origin: string;
  readonly book: string;
  readonly first: number;
  readonly last: number;
  readonly events: number;
  /** Hex SHA-256 of the last event. */
  readonly headHash: string;
  /**
   * The first checkpoint that covers the last event, and the hashes of the subtrees between the two, base64. Null when
   * nothing that late has been signed yet.
   */
  readonly coveredBy: (SignedCheckpoint & { readonly rest: readonly string[] }) | null;
};

export type ExportLine = ExportHeader | ExportEvent | ExportCheckpoint | ExportManifest;

/** A line that is not of the format, with what is wrong about it. */
export class ExportLineError extends Error {
  override readonly name = 'ExportLineError';
}

/** The line without its end. */
export function writeExportLine(line: ExportLine): string {
  switch (line.type) {
    case 'event': {
      const text = line.payload.toString('utf8');
      // Bytes that are no text would not come back from one.
      const isText = Buffer.from(text, 'utf8').equals(line.payload);
      const payload = isText ? { payload: text } : { payloadBase64: line.payload.toString('base64') };
      return JSON.stringify({ type: line.type, sequence: line.sequence, ...payload });
    }
    case 'checkpoint':
      return JSON.stringify({ type: line.type, text: line.text, signature: line.signature });
    case 'header': {
      const { type, format, origin, book, first, last, previousHash, tree, keyChanges } = line;
      const changes = keyChanges.map(({ text, signature }) => ({ text, signature }));
      return JSON.stringify({ type, format, origin, book, first, last, previousHash, tree, keyChanges: changes });
    }
    case 'manifest': {
      const { type, format, origin, book, first, last, events, headHash, coveredBy } = line;
      const covering =
        coveredBy === null ? null : { text: coveredBy.text, signature: coveredBy.signature, rest: coveredBy.rest };
      return JSON.stringify({ type, format, origin, book, first, last, events, headHash, coveredBy: covering });
    }
  }
}

/** Throws ExportLineError unless the bytes are exactly what `writeExportLine` gives for some line. */
export function readExportLine(bytes: Buffer): ExportLine {
  let fields: Record<string, unknown>;
  try {
    fields = asObject(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw cause instanceof ExportLineError ? cause : new ExportLineError('is not JSON', { cause });
  }
  const line = lineOf(fields);
  if (!Buffer.from(writeExportLine(line), 'utf8').equals(bytes))
    throw new ExportLineError('is not in its canonical form');
  return line;
}

function lineOf(fields: Record<string, unknown>): ExportLine {
  switch (fields.type) {
    case 'event':
      return { type: 'event', sequence: size(fields, 'sequence'), payload: payloadOf(fields) };
    case 'checkpoint':
      return { type: 'checkpoint', ...signed(fields) };
    case 'header': {
      const previousHash = hash(fields, 'previousHash');
      const keyChanges = list(fields, 'keyChanges').map((change) => signed(asObject(change)));
      return { type: 'header', ...rangeOf(fields), previousHash, tree: hashes(fields, 'tree'), keyChanges };
    }
    case 'manifest': {
      const covering = fields.coveredBy === null ? null : asObject(fields.coveredBy);
      const coveredBy = covering === null ? null : { ...signed(covering), rest: hashes(covering, 'rest') };
      const events = size(fields, 'events');
      return { type: 'manifest', ...rangeOf(fields), events, headHash: hash(fields, 'headHash'), coveredBy };
    }
    default:
      throw new ExportLineError('is no header, event, checkpoint or manifest');
  }
}

function rangeOf(fields: Record<string, unknown>) {
  const format = text(fields, 'format');
  if (format !== exportFormat) throw new ExportLineError(`is of format ${format}, not ${exportFormat}`);
  const first = size(fields, 'first');
  const last = fields.last === first - 1 ? first - 1 : size(fields, 'last');
  return { format, origin: text(fields, 'origin'), book: text(fields, 'book'), first, last } as const;
}

function payloadOf(fields: Record<string, unknown>): Buffer {
  if (fields.payloadBase64 === undefined) return Buffer.from(text(fields, 'payload'), 'utf8');
  return Buffer.from(text(fields, 'payloadBase64'), 'base64');
}

const signed = (fields: Record<string, unknown>): SignedCheckpoint => ({
  text: text(fields, 'text'),
  signature: text(fields, 'signature'),
});

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ExportLineError('is not a JSON object');
  return value as Record<string, unknown>;
}

function text(fields: Record<string, unknown>, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new ExportLineError(`has no text ${name}`);
  return value;
}

function size(fields: Record<string, unknown>, name: string): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new ExportLineError(`has no whole number ${name}`);
  return value as number;
}

function hash(fields: Record<string, unknown>, name: string): string {
  const value = text(fields, name);
  if (!/^[0-9a-f]{64}$/.test(value)) throw new ExportLineError(`has no hash ${name}`);
  return value;
}

function list(fields: Record<string, unknown>, name: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw new ExportLineError(`has no list ${name}`);
  return value;
}

function hashes(fields: Record<string, unknown>, name: string): readonly string[] {
  return list(fields, name).map((value) => {
    if (typeof value !== 'string' || !isHash(value))
      throw new ExportLineError(`has something in ${name} that is no hash`);
    return value;
  });
}

/** Its last letter has two bits that the bytes do not need: other texts give the same bytes. */
function isHash(base64: string): boolean {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length === hashBytes && bytes.toString('base64') === base64;
}

/** The chain of hashes before the first event. */
export const genesisHash = '0'.repeat(64);

/** Hex SHA-256 of the exact bytes of an event: what the event after it carries as `previousHash`. */
export function eventHash(payload: Uint8Array): string {
  return sha256(payload).toString('hex');
}
