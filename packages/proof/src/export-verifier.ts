/**
 * Verifies an exported range of a book, line by line, with one trusted public key and in memory that does not grow with
 * the file. A range is valid when
 *
 *   1  every event carries the hash of the one before it, up to the head that the manifest names,
 *   2  the tree over the file's events, begun with the header's, has the root of every checkpoint in the file,
 *   3  every checkpoint is of this book and signed by the trusted key, or by one that it introduced,
 *   4  every checkpoint that an event records is the one that the file shows,
 *   5  the entries of every event balance for each asset,
 *   6  counts and sequences are those that header and manifest name,
 *   7  a checkpoint covers the last event.
 *
 * Where 7 alone fails the range is incomplete. The tree of the header needs no belief of its own: with another one no
 * root would fit. The first sequence that is wrong is named; if the chain holds and only a root does not fit, whoever
 * wrote the file has re-written all hashes, and what is named is the first event that no earlier checkpoint vouches for.
 */
import { assert } from '@daybook/core';
import {
  CheckpointError,
  createTrust,
  parseCheckpoint,
  type Checkpoint,
  type SignedCheckpoint,
  type Trust,
} from './checkpoint';
import {
  eventHash,
  ExportLineError,
  genesisHash,
  readExportLine,
  type ExportCheckpoint,
  type ExportEvent,
  type ExportHeader,
  type ExportManifest,
} from './export-format';
import { readJournalEvent, type JournalEvent } from './journal-event';
import type { PublicKey } from './keys';
import { createFrontier, subtreesOf, type Frontier } from './merkle-tree';

export type ExportProblem = {
  /** In the file, from 1. */
  readonly line: number;
  /** Of the first event that is wrong or missing; null when it is not about an event. */
  readonly sequence: number | null;
  readonly reason: string;
};

export type ExportVerdict = {
  readonly status: 'valid' | 'incomplete' | 'invalid';
  readonly problem: ExportProblem | null;
  readonly origin: string | null;
  readonly book: string | null;
  readonly first: number | null;
  readonly last: number | null;
  /** Events that were read. */
  readonly events: number;
  /** Events of the range, from its first, that a signature covers. */
  readonly eventsSigned: number;
  readonly checkpoints: number;
  /** When the last of them was signed. */
  readonly signedAt: string | null;
  /** Of the keys that were needed, in the order of their use. */
  readonly keyIds: readonly string[];
};

export type ExportVerifier = {
  /** The next line, without its end. False when the file is refused and the rest need not be read. */
  line(bytes: Buffer): boolean;
  /** `rest`: what follows the end of the last line, which is nothing in a whole file. */
  end(rest?: Buffer): ExportVerdict;
};

class Refused extends Error {
  constructor(
    readonly sequence: number | null,
    reason: string,
  ) {
    super(reason);
  }
}

type Range = {
  readonly header: ExportHeader;
  readonly trust: Trust;
  readonly tree: Frontier;
  /** The last change of keys in the header that was followed. */
  readonly followed: (SignedCheckpoint & { readonly checkpoint: Checkpoint }) | null;
  /** The change in the header by which the trusted key was introduced: signed by one that nobody here trusts. */
  readonly introduction: SignedCheckpoint | null;
  /** Sequence of the next event. */
  next: number;
  /** Hash of the event before it. */
  head: string;
  /** The first event whose `previousHash` is not that of the one before. The event after it tells which of the two is wrong. */
  brokenAt: number | null;
  /** A root that does not fit. Whether the chain says something more exact is seen in the next events. */
  unfit: { readonly size: number; readonly refusal: Refused } | null;
  /** The events before this one are covered by a signature. */
  signed: number;
  checkpoints: number;
  signedAt: string | null;
  readonly keyIds: Set<string>;
  /** Shown in the file and not yet recorded by an event of it, by size. */
  readonly shown: Map<number, SignedCheckpoint>;
  ended: boolean;
};

/** `origin`: of which instance and book the file has to be; one key may sign several. */
export type Expected = { readonly origin?: string | undefined };

export function createExportVerifier(publicKey: PublicKey, expected: Expected = {}): ExportVerifier {
  let range: Range | undefined;
  let line = 0;
  let problem: ExportProblem | null = null;
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      problem = { line, ...causeOf(error, range) };
    }
  };
  return {
    line(bytes) {
      if (problem !== null) return false;
      line += 1;
      attempt(() => {
        const content = readExportLine(bytes);
        if (range?.ended === true) throw new Refused(null, 'stands behind the manifest');
        if (content.type === 'header') {
          if (range !== undefined) throw new Refused(range.next, 'is a second header');
          range = begin(content, publicKey, expected);
        } else if (range === undefined) throw new Refused(null, 'is not a header');
        else if (content.type === 'event') takeEvent(range, content);
        else if (content.type === 'checkpoint') takeCheckpoint(range, content);
        else takeManifest(range, content);
      });
      return problem === null;
    },
    end(rest) {
      const isCut = rest !== undefined && rest.length > 0;
      if (problem === null && (isCut || range?.ended !== true)) {
        line += 1;
        attempt(() => {
          throw isCut ? cutOff(range) : new Refused(range?.next ?? null, 'the file ends before its manifest');
        });
      }
      return verdictOf(range, problem);
    },
  };
}

/** Where all events are there it is the manifest that is cut off. */
function cutOff(range: Range | undefined): Refused {
  const isWithin = range !== undefined && range.next <= range.header.last;
  return new Refused(isWithin ? range.next : null, 'the line has no end, as in a file that was cut off');
}

/** An earlier break of the chain says more about where the file is wrong than what was found after it. */
function causeOf(error: unknown, range: Range | undefined): Omit<ExportProblem, 'line'> {
  if (range !== undefined && range.brokenAt !== null && !(error instanceof Refused && error.sequence !== range.next))
    return { sequence: range.brokenAt, reason: broken(range.brokenAt).message };
  if (error instanceof Refused) return { sequence: error.sequence, reason: error.message };
  if (error instanceof ExportLineError || error instanceof CheckpointError)
    return { sequence: range?.next ?? null, reason: `the line ${error.message}` };
  throw error;
}

function begin(header: ExportHeader, publicKey: PublicKey, expected: Expected): Range {
  const { first, last, previousHash, origin, book } = header;
  // The origin is signed, the book is not.
  if (!origin.endsWith(`/book-${book}`))
    throw new Refused(null, `the header names the ${book} book, and is of ${origin}`);
  if (expected.origin !== undefined && origin !== expected.origin)
    throw new Refused(null, `the header is of ${origin}, not of ${expected.origin}`);
  if (first > last + 1) throw new Refused(null, `a range from ${first} to ${last}`);
  if (first === 0 && previousHash !== genesisHash) throw new Refused(0, 'nothing comes before event 0');
  if (subtreesOf({ start: 0, end: first }).length !== header.tree.length)
    throw new Refused(null, `the tree of the header is not one over ${first} events`);
  const trust = createTrust(origin, publicKey);
  let followed: Range['followed'] = null;
  let introduction: SignedCheckpoint | null = null;
  for (const change of header.keyChanges) {
    const checkpoint = trust.follow(change);
    if (checkpoint === null) introduction = introduces(change, publicKey) ? change : null;
    else if (checkpoint.nextKey !== null) followed = { ...change, checkpoint };
  }
  if (trust.keys().at(-1)!.after > first)
    throw new Refused(null, 'a change of keys in the header comes after its events');
  const tree = createFrontier({ size: first, hashes: header.tree.map((hash) => Buffer.from(hash, 'base64')) });
  return {
    header,
    trust,
    tree,
    followed,
    introduction,
    next: first,
    head: previousHash,
    brokenAt: null,
    unfit: null,
    signed: first,
    checkpoints: 0,
    signedAt: null,
    keyIds: new Set(),
    shown: new Map(),
    ended: false,
  };
}

function takeEvent(range: Range, { sequence, payload }: ExportEvent): void {
  if (sequence > range.next) throw new Refused(range.next, `is missing: the file goes on with event ${sequence}`);
  if (sequence < range.next) throw new Refused(range.next, `is missing: event ${sequence} stands in its place`);
  if (sequence > range.header.last)
    throw new Refused(sequence, `is beyond the range, which ends with ${range.header.last}`);
  const event = eventOf(sequence, payload);
  link(range, event.previousHash === range.head);
  if (event.imbalance !== null) throw new Refused(sequence, event.imbalance);
  if (event.checkpoint !== null) matchRecorded(range, sequence, event.checkpoint);
  range.tree.append(payload);
  range.head = eventHash(payload);
  range.next += 1;
}

function eventOf(sequence: number, payload: Buffer): JournalEvent {
  try {
    return readJournalEvent(payload);
  } catch (error) {
    throw new Refused(sequence, (error as Error).message);
  }
}

/** The link of what comes next, an event or the end, to the event before it. */
function link(range: Range, holds: boolean): void {
  const { next, brokenAt, unfit } = range;
  // Where both links of an event are broken it is the event that is wrong; else it is the one before it.
  if (brokenAt !== null) throw holds && brokenAt > range.header.first ? changed(brokenAt - 1) : broken(brokenAt);
  if (unfit !== null && next > unfit.size) throw unfit.refusal;
  if (!holds) range.brokenAt = next;
}

const broken = (sequence: number) =>
  new Refused(sequence, 'does not follow the event before it: previousHash is not the hash of that event');
const changed = (sequence: number) =>
  new Refused(sequence, 'was changed: its bytes do not have the hash that the event after it carries');

function takeCheckpoint(range: Range, { text, signature }: ExportCheckpoint): void {
  const checkpoint = range.trust.accept({ text, signature });
  const { size } = checkpoint;
  if (size !== range.next || size === range.header.first)
    throw new Refused(range.next, `a checkpoint of ${size} events stands before event ${range.next}`);
  range.shown.set(size, { text, signature });
  const fits = checkpoint.root.equals(range.tree.root()) && checkpoint.head === range.head;
  if (fits) signedUpTo(range, checkpoint, size);
  else range.unfit ??= { size, refusal: unfit(range, checkpoint) };
}

function unfit({ signed }: Range, { size, time }: Checkpoint): Refused {
  const reason = `is not what was signed: the events up to ${size - 1} do not have the root of the checkpoint of ${time}`;
  return new Refused(signed, reason);
}

function signedUpTo(range: Range, { keyId, time }: Checkpoint, sequence: number): void {
  // What a checkpoint that does not fit left open, a later one that fits would not mend.
  if (range.unfit !== null) return;
  range.signed = sequence;
  range.checkpoints += 1;
  range.signedAt = time;
  range.keyIds.add(keyId);
}

/** A checkpoint that the journal records within the range has to have been shown before. */
function matchRecorded(range: Range, sequence: number, recorded: SignedCheckpoint & { readonly size: number }): void {
  const { size, text, signature } = recorded;
  if (size > sequence) throw new Refused(sequence, `records a checkpoint of ${size} events, which are not there yet`);
  if (size <= range.header.first) return;
  const shown = range.shown.get(size);
  if (shown?.text !== text || shown.signature !== signature)
    throw new Refused(sequence, 'records a checkpoint that the file does not show');
  for (const older of range.shown.keys()) if (older <= size) range.shown.delete(older);
}

function takeManifest(range: Range, manifest: ExportManifest): void {
  const { header, next } = range;
  const { origin, book, first, last, events, headHash, coveredBy } = manifest;
  if (origin !== header.origin || book !== header.book || first !== header.first || last !== header.last)
    throw new Refused(null, 'the manifest is of another range than the header');
  if (next !== last + 1) throw new Refused(next, `is missing: the range goes to ${last}`);
  if (events !== next - first)
    throw new Refused(null, `the manifest counts ${events} events, the file ${next - first}`);
  link(range, headHash === range.head);
  if (range.brokenAt !== null) throw new Refused(last, 'does not have the hash that the manifest names as the head');
  if (coveredBy !== null && range.unfit === null && !isIntroduction(range, coveredBy)) takeCovering(range, coveredBy);
  if (range.unfit !== null) throw range.unfit.refusal;
  range.ended = true;
}

/** The checkpoint at the end or after it: the subtrees that follow the file's events complete its tree. */
function takeCovering(range: Range, { rest, ...signed }: NonNullable<ExportManifest['coveredBy']>): void {
  const { tree, next } = range;
  const checkpoint = acceptCovering(range, signed);
  const subtrees = subtreesOf({ start: next, end: checkpoint.size });
  if (checkpoint.size < next || subtrees.length !== rest.length)
    throw new Refused(null, `the manifest does not lead from ${next} to ${checkpoint.size} events`);
  const whole = createFrontier({ size: tree.size, hashes: tree.hashes() });
  for (const [index, { level }] of subtrees.entries()) whole.appendSubtree(level, Buffer.from(rest[index]!, 'base64'));
  const fits = checkpoint.root.equals(whole.root()) && (checkpoint.size > next || checkpoint.head === range.head);
  if (!fits) throw unfit(range, checkpoint);
  signedUpTo(range, checkpoint, next);
}

const introduces = ({ text }: SignedCheckpoint, { keyId }: PublicKey) => parseCheckpoint(text).nextKey?.keyId === keyId;

/** Nothing right behind it, which it covers: of the trusted key's own there is nothing yet, and nothing wrong. */
function isIntroduction({ introduction, header, next }: Range, signed: SignedCheckpoint): boolean {
  return next === header.first && isSame(introduction, signed);
}

/** What covers a range without events may be the change of keys that the header ends with: it was accepted there. */
function acceptCovering({ followed, trust }: Range, signed: SignedCheckpoint): Checkpoint {
  return followed !== null && isSame(followed, signed) ? followed.checkpoint : trust.accept(signed);
}

const isSame = (one: SignedCheckpoint | null, other: SignedCheckpoint) =>
  one?.text === other.text && one.signature === other.signature;

function verdictOf(range: Range | undefined, problem: ExportProblem | null): ExportVerdict {
  if (problem === null) assert(range?.ended === true, 'a file without a problem has been read to its end');
  const { origin = null, book = null, first = null, last = null } = range?.header ?? {};
  // Of no events too: that there are none is for a signature to say.
  const isComplete = range !== undefined && range.checkpoints > 0 && range.signed === range.next;
  return {
    status: problem !== null ? 'invalid' : isComplete ? 'valid' : 'incomplete',
    problem,
    origin,
    book,
    first,
    last,
    events: range === undefined ? 0 : range.next - range.header.first,
    eventsSigned: range === undefined ? 0 : range.signed - range.header.first,
    checkpoints: range?.checkpoints ?? 0,
    signedAt: range?.signedAt ?? null,
    keyIds: [...(range?.keyIds ?? [])],
  };
}
