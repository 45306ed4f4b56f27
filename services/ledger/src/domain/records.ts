/**
 * Records: what one id stands for in a book. The id is the caller's name for a command, and of what the command made:
 * its outcome, answered for ever, and its subject, which is what can still change of it.
 *
 * A record is *open* while a later event must find it (a pending transfer, an open hold) and *closed* after that. Open records are in
 * memory and in every snapshot. A closed one may be absent, because it was forgotten or because the state began at a
 * snapshot. What `apply` then does, so that a snapshot and its tail give the same accounts and the same open records as
 * the whole journal:
 *
 *   an event that makes a record        makes it, complete
 *   an event that resolves an open one  finds it, or the history is impossible
 *   an event that changes a closed one  changes it if it is there, and leaves it absent otherwise
 *
 * So a record in memory is always complete, and one that is absent can be had by folding the events that touch it
 * (`recordIdsOf`) with `recordsFrom`. `decide` takes an absent record for one that never was: whoever forgets brings
 * `recordIdsNeeded` back before. An absent record must not be read from the stored events while newer events that touch
 * it are not among them.
 */
import { AssertionError, assertNever } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import type { Entry, Metadata } from './account';
import type { BookEvent, BookRejection, TransferFields } from './book-events';

export type TransferSubject = {
  readonly type: 'transfer';
  readonly fields: TransferFields;
  status: 'pending' | 'confirmed' | 'failed' | 'reversed';
  /** Ledger reference of the confirmation. */
  confirmation: string | null;
};

/** What a caller or a rule posted, and can be reversed. */
export type TransactionSubject = {
  readonly type: 'transaction';
  /** Of the tenant that posted it itself; null for what an operator or a rule posted. */
  readonly tenantId: string | null;
  readonly entries: readonly Entry[];
  readonly effectiveAt: string;
  /** Of the first entry. */
  reversed: bigint;
};

export type HoldSubject = {
  readonly type: 'hold';
  /** Of the one who placed it; null for an operator. */
  readonly tenantId: string | null;
  readonly accountId: string;
  readonly asset: AssetCode;
  readonly amount: bigint;
  readonly expiresAt: string | null;
  readonly metadata: Metadata | null;
  readonly actor: string;
  status: 'open' | 'captured' | 'released' | 'expired';
  /** Still held. */
  remaining: bigint;
  captured: bigint;
};

/** The account that a command was refused for. */
export type RefusalSubject = { readonly type: 'refusal'; readonly about: string };

export type RecordSubject = TransferSubject | TransactionSubject | HoldSubject | RefusalSubject;

export type BookRecord = {
  /** Of what the caller sent under the id. */
  readonly contentHash: string;
  readonly rejection: BookRejection | null;
  readonly at: string;
  /** Of the event that recorded the outcome. */
  readonly reference: string;
  /** Of the last event that touched the record. */
  sequence: number;
  /** Null when the outcome is all there is. */
  readonly subject: RecordSubject | null;
};

/** What a map does here. A fork has its own. */
export type Cells<Value> = {
  get(id: string): Value | undefined;
  has(id: string): boolean;
  set(id: string, value: Value): unknown;
};

export type Records = {
  readonly records: Cells<BookRecord>;
  /** Ids of the open records. */
  readonly open: Pick<Set<string>, 'add' | 'delete'>;
};

/** Where an event stands in its book, and `0x` and the hash of its stored bytes. */
export type EventPlace = { readonly sequence: number; readonly reference: string };

export function isOpen({ subject }: BookRecord): boolean {
  if (subject === null || subject.type === 'transaction' || subject.type === 'refusal') return false;
  return subject.status === 'pending' || subject.status === 'open';
}

export function cloneRecord(record: BookRecord): BookRecord {
  return { ...record, subject: record.subject === null ? null : { ...record.subject } };
}

/** The ids of the records that an event makes or changes. */
export function recordIdsOf(event: BookEvent): readonly string[] {
  switch (event.type) {
    case 'TransferAccepted':
    case 'TransferConfirmed':
    case 'TransferFailed':
      return [event.transfer.transferId];
    case 'TransferReversed': {
      const { reversalId, contentHash, transfer } = event;
      return reversalId === null || contentHash === null ? [transfer.transferId] : [reversalId, transfer.transferId];
    }
    case 'TransactionPosted':
      return [event.transactionId];
    case 'TransactionReversed':
      return [event.reversalId, event.transactionId];
    case 'HoldPlaced':
    case 'HoldExpired':
      return [event.holdId];
    case 'HoldCaptured':
      return [event.captureId, event.holdId];
    case 'HoldReleased':
      return [event.releaseId, event.holdId];
    case 'AccountLimitsSet':
      return [event.changeId];
    case 'PeriodClosed':
      return [event.closeId];
    case 'CheckpointSigned':
      return [event.checkpointId];
    case 'CommandRejected':
      return event.contentHash === null ? [] : [event.commandId];
    case 'AccountFrozen':
    case 'AccountUnfrozen':
      return event.changeId === null ? [] : [event.changeId];
    case 'AccountOpened':
      return [];
    default:
      return assertNever(event);
  }
}

/** The records of `ids`, complete, from the events that touch them in the order of their places. */
export function recordsFrom(
  ids: ReadonlySet<string>,
  events: Iterable<{ readonly event: BookEvent; readonly place: EventPlace }>,
): Map<string, BookRecord> {
  const records = new Map<string, BookRecord>();
  const state = { records, open: new Set<string>() };
  for (const { event, place } of events) applyToRecords(state, event, place, ids);
  return records;
}

/** With `only`, the records of other ids are left alone. */
export function applyToRecords(
  state: Records,
  event: BookEvent,
  place: EventPlace,
  only: ReadonlySet<string> | null = null,
): void {
  switch (event.type) {
    case 'TransferAccepted': {
      const { transfer, contentHash, at } = event;
      const subject: TransferSubject = { type: 'transfer', fields: transfer, status: 'pending', confirmation: null };
      make(state, transfer.transferId, contentHash, null, at, place, subject, only);
      return;
    }
    case 'TransferConfirmed': {
      const subject = resolve(state, event.transfer, 'confirmed', place, only);
      if (subject !== null) subject.confirmation = place.reference;
      return;
    }
    case 'TransferFailed':
      resolve(state, event.transfer, 'failed', place, only);
      return;
    case 'TransferReversed':
      reverseTransfer(state, event.transfer, place, only);
      if (event.reversalId !== null && event.contentHash !== null)
        make(state, event.reversalId, event.contentHash, null, event.at, place, null, only);
      return;
    case 'TransactionPosted': {
      const tenantId = event.cause.type === 'posting' ? event.tenantId : null;
      const subject = transactionSubject(tenantId, event.entries, event.effectiveAt);
      make(state, event.transactionId, event.contentHash, null, event.at, place, subject, only);
      return;
    }
    case 'TransactionReversed':
      reverseTransaction(state, event, place, only);
      make(state, event.reversalId, event.contentHash, null, event.at, place, null, only);
      return;
    case 'HoldPlaced':
    case 'HoldCaptured':
    case 'HoldReleased':
    case 'HoldExpired':
      applyToHold(state, event, place, only);
      return;
    case 'AccountLimitsSet':
      make(state, event.changeId, event.contentHash, null, event.at, place, null, only);
      return;
    case 'PeriodClosed':
      make(state, event.closeId, event.contentHash, null, event.at, place, null, only);
      return;
    case 'CheckpointSigned':
      make(state, event.checkpointId, event.contentHash, null, event.at, place, null, only);
      return;
    case 'CommandRejected':
      if (event.contentHash !== null)
        make(state, event.commandId, event.contentHash, event.rejection, event.at, place, refusalSubject(event), only);
      return;
    case 'AccountFrozen':
    case 'AccountUnfrozen':
      if (event.changeId !== null && event.contentHash !== null)
        make(state, event.changeId, event.contentHash, null, event.at, place, null, only);
      return;
    case 'AccountOpened':
      return;
    default:
      assertNever(event);
  }
}

type EventOf<Type extends BookEvent['type']> = Extract<BookEvent, { type: Type }>;

function applyToHold(
  state: Records,
  event: EventOf<'HoldPlaced' | 'HoldCaptured' | 'HoldReleased' | 'HoldExpired'>,
  place: EventPlace,
  only: ReadonlySet<string> | null,
): void {
  switch (event.type) {
    case 'HoldPlaced':
      make(state, event.holdId, event.contentHash, null, event.at, place, holdSubject(event), only);
      return;
    case 'HoldCaptured': {
      changeHold(state, event, event.amount, event.amount + event.released, 'captured', place, only);
      const subject = transactionSubject(event.tenantId, event.entries, event.at);
      make(state, event.captureId, event.contentHash, null, event.at, place, subject, only);
      return;
    }
    case 'HoldReleased':
      changeHold(state, event, 0n, event.amount, 'released', place, only);
      make(state, event.releaseId, event.contentHash, null, event.at, place, null, only);
      return;
    case 'HoldExpired':
      changeHold(state, event, 0n, event.amount, 'expired', place, only);
      return;
    default:
      assertNever(event);
  }
}

function transactionSubject(
  tenantId: string | null,
  entries: readonly Entry[],
  effectiveAt: string,
): TransactionSubject {
  return { type: 'transaction', tenantId, entries, effectiveAt, reversed: 0n };
}

function refusalSubject({ about }: EventOf<'CommandRejected'>): RefusalSubject | null {
  return about === null ? null : { type: 'refusal', about };
}

function holdSubject(event: EventOf<'HoldPlaced'>): HoldSubject {
  const { tenantId, accountId, asset, amount, expiresAt, metadata, actor } = event;
  const fields = { type: 'hold', tenantId, accountId, asset, amount, expiresAt, metadata, actor } as const;
  return { ...fields, status: 'open', remaining: amount, captured: 0n };
}

// Positional, because it runs once for every command of a book.
function make(
  state: Records,
  id: string,
  contentHash: string,
  rejection: BookRejection | null,
  at: string,
  { sequence, reference }: EventPlace,
  subject: RecordSubject | null,
  only: ReadonlySet<string> | null,
): void {
  if (only !== null && !only.has(id)) return;
  if (state.records.has(id)) throw new AssertionError(`${id} answered twice`);
  const record: BookRecord = { contentHash, rejection, at, reference, sequence, subject };
  state.records.set(id, record);
  if (isOpen(record)) state.open.add(id);
}

/** Its time in memory begins: until now it was there because it was open. */
function close(state: Records, id: string, record: BookRecord): void {
  state.open.delete(id);
  state.records.set(id, record);
}

/** The subject of an open transfer, which is closed by this; null when the record is not among `only`. */
function resolve(
  state: Records,
  fields: TransferFields,
  status: 'confirmed' | 'failed',
  { sequence }: EventPlace,
  only: ReadonlySet<string> | null,
): TransferSubject | null {
  const { transferId } = fields;
  if (only !== null && !only.has(transferId)) return null;
  const record = state.records.get(transferId);
  const subject = record?.subject?.type === 'transfer' ? record.subject : undefined;
  if (record === undefined || subject?.status !== 'pending')
    throw new AssertionError(`transfer ${transferId} ${status} after ${subject?.status ?? 'nothing'}`);
  if (!sameMovement(subject.fields, fields))
    throw new AssertionError(`transfer ${transferId} ${status} with other fields`);
  subject.status = status;
  record.sequence = sequence;
  close(state, transferId, record);
  return subject;
}

function reverseTransfer(
  state: Records,
  { transferId }: TransferFields,
  { sequence }: EventPlace,
  only: ReadonlySet<string> | null,
): void {
  if (only !== null && !only.has(transferId)) return;
  const record = state.records.get(transferId);
  if (record === undefined) return;
  const subject = record.subject?.type === 'transfer' ? record.subject : undefined;
  if (subject?.status !== 'confirmed')
    throw new AssertionError(`transfer ${transferId} reversed after ${subject?.status ?? 'nothing'}`);
  subject.status = 'reversed';
  record.sequence = sequence;
}

function reverseTransaction(
  state: Records,
  { transactionId, amount, remaining }: EventOf<'TransactionReversed'>,
  { sequence }: EventPlace,
  only: ReadonlySet<string> | null,
): void {
  if (only !== null && !only.has(transactionId)) return;
  const record = state.records.get(transactionId);
  if (record === undefined) return;
  const subject = record.subject?.type === 'transaction' ? record.subject : undefined;
  if (subject === undefined) throw new AssertionError(`${transactionId} reversed, and it is no transaction`);
  subject.reversed += amount;
  if (amount <= 0n || remaining < 0n || leftOf(subject) !== remaining)
    throw new AssertionError(`${amount} of ${transactionId} reversed, and ${leftOf(subject)} are left`);
  record.sequence = sequence;
}

/** What can still be reversed, of the first entry. */
export function leftOf({ entries, reversed }: TransactionSubject): bigint {
  const [first] = entries;
  return first === undefined ? 0n : first.amount - reversed;
}

/** Takes `amount` from what an open hold holds; nothing left closes it. */
function changeHold(
  state: Records,
  { holdId, accountId, type }: EventOf<'HoldCaptured' | 'HoldReleased' | 'HoldExpired'>,
  captured: bigint,
  amount: bigint,
  status: HoldSubject['status'],
  { sequence }: EventPlace,
  only: ReadonlySet<string> | null,
): void {
  if (only !== null && !only.has(holdId)) return;
  const record = state.records.get(holdId);
  const subject = record?.subject?.type === 'hold' ? record.subject : undefined;
  if (record === undefined || subject?.status !== 'open')
    throw new AssertionError(`${type} of ${holdId} after ${subject?.status ?? 'nothing'}`);
  if (accountId !== subject.accountId || amount <= 0n || amount > subject.remaining)
    throw new AssertionError(`${type} of ${amount} of hold ${holdId}, which has ${subject.remaining} left`);
  subject.remaining -= amount;
  subject.captured += captured;
  record.sequence = sequence;
  if (subject.remaining > 0n) return;
  subject.status = status;
  close(state, holdId, record);
}

function sameMovement(a: TransferFields, b: TransferFields): boolean {
  return a.amount === b.amount && a.debitAccountId === b.debitAccountId && a.creditAccountId === b.creditAccountId;
}
