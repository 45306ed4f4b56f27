/**
 * Stored form of a book's events. On top of its own fields every payload carries
 *
 *   event          its own type, so that the bytes say what they are
 *   previousHash   hex SHA-256 of the exact stored bytes of the event before it in the book; 64 zeros for the first
 *
 * so that the events of a book form one chain, and the last hash vouches for all of them. Amounts are decimal strings.
 * A field that says nothing is left out: null, an empty list, an `effectiveAt` that is `at`, and the cause of a
 * transaction that is its own. What is stored is private to this service; `published-events.ts` maps what others see.
 */
import { assert } from '@daybook/core';
import { accountTypes, asset, minorUnits, signedMinorUnits, tenantId, timestamp } from '@daybook/contracts';
import { sha256Hex } from '@daybook/runtime';
import { defineStoredEvents, type EventCodec, type NewEvent, type StoredEvent } from '@daybook/event-store';
import { z } from 'zod';
import { compileEvent, type CompiledEvent } from './compiled-events';
import { completed, implied, orNone, orNull, shortened } from './implied-fields';
import { bookRejections, causeTypes, transferFailures, type BookEvent, type Cause } from '../domain/book-events';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

export const genesisHash = '0'.repeat(64);

function sealed<const Type extends BookEvent['type'], Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return { version: 1, data: z.object({ event: z.literal(type), ...shape, at: timestamp, previousHash: hash }) };
}

const entries = z
  .array(z.object({ accountId: z.string(), asset, direction: z.enum(['debit', 'credit']), amount: minorUnits }))
  .min(2);

const metadata = z.record(z.string(), z.string());

const transfer = z.object({
  transferId: z.string(),
  debitTenantId: tenantId,
  debitAccountId: z.string(),
  creditTenantId: tenantId,
  creditAccountId: z.string(),
  asset,
  amount: minorUnits,
  referenceId: z.string(),
  acceptedAt: timestamp,
});

/** That somebody posted it under this id, and nothing else. */
const ownCause = implied(
  z.object({ type: z.enum(causeTypes), id: z.string(), subject: z.string() }),
  ({ transactionId }): Cause => ({ type: 'posting', id: transactionId as string, subject: transactionId as string }),
  (cause, { transactionId }) =>
    cause.type === 'posting' && cause.id === transactionId && cause.subject === transactionId,
);
const whenRecorded = implied(
  timestamp,
  ({ at }) => at as string,
  (effectiveAt, { at }) => effectiveAt === at,
);

/** Each type's current version and its fields. */
const freezing = {
  changeId: orNull(z.string()),
  contentHash: orNull(hash),
  accountId: z.string(),
  actor: z.string(),
};

export const storedForms = {
  AccountOpened: sealed('AccountOpened', {
    accountId: z.string(),
    tenantId: orNull(tenantId),
    asset,
    accountType: z.enum(accountTypes),
    floor: orNull(signedMinorUnits),
    ceiling: orNull(signedMinorUnits),
    metadata: orNull(metadata),
    rule: orNull(z.string()),
    actor: orNull(z.string()),
  }),
  AccountLimitsSet: sealed('AccountLimitsSet', {
    changeId: z.string(),
    contentHash: hash,
    accountId: z.string(),
    floor: orNull(signedMinorUnits),
    ceiling: orNull(signedMinorUnits),
    actor: z.string(),
  }),
  AccountFrozen: sealed('AccountFrozen', freezing),
  AccountUnfrozen: sealed('AccountUnfrozen', freezing),
  TransferAccepted: sealed('TransferAccepted', { transfer, contentHash: hash, note: orNull(z.string()) }),
  TransferConfirmed: sealed('TransferConfirmed', { transfer, rule: z.string(), entries }),
  TransferFailed: sealed('TransferFailed', { transfer, reason: z.enum(transferFailures) }),
  TransferReversed: sealed('TransferReversed', {
    reversalId: orNull(z.string()),
    contentHash: orNull(hash),
    transfer,
    transactionId: z.string(),
    reversed: z.string(),
    rule: z.string(),
    actor: z.string(),
    entries,
  }),
  TransactionPosted: sealed('TransactionPosted', {
    transactionId: z.string(),
    contentHash: hash,
    tenantId: orNull(tenantId),
    cause: ownCause,
    rule: z.string(),
    entries,
    floorBreaches: orNone(z.array(z.string())),
    ceilingBreaches: orNone(z.array(z.string())),
    description: orNull(z.string()),
    metadata: orNull(metadata),
    actor: orNull(z.string()),
    adjustmentFor: orNull(timestamp),
    effectiveAt: whenRecorded,
  }),
  TransactionReversed: sealed('TransactionReversed', {
    reversalId: z.string(),
    contentHash: hash,
    transactionId: z.string(),
    reversed: z.string(),
    tenantId: orNull(tenantId),
    amount: minorUnits,
    remaining: minorUnits,
    rule: z.string(),
    entries,
    actor: z.string(),
  }),
  HoldPlaced: sealed('HoldPlaced', {
    holdId: z.string(),
    contentHash: hash,
    tenantId: orNull(tenantId),
    accountId: z.string(),
    asset,
    amount: minorUnits,
    expiresAt: orNull(timestamp),
    metadata: orNull(metadata),
    actor: z.string(),
  }),
  HoldCaptured: sealed('HoldCaptured', {
    captureId: z.string(),
    contentHash: hash,
    holdId: z.string(),
    tenantId: orNull(tenantId),
    accountId: z.string(),
    asset,
    amount: minorUnits,
    released: minorUnits,
    remaining: minorUnits,
    rule: z.string(),
    entries,
    actor: z.string(),
  }),
  HoldReleased: sealed('HoldReleased', {
    releaseId: z.string(),
    contentHash: hash,
    holdId: z.string(),
    tenantId: orNull(tenantId),
    accountId: z.string(),
    asset,
    amount: minorUnits,
    actor: z.string(),
  }),
  HoldExpired: sealed('HoldExpired', {
    holdId: z.string(),
    tenantId: orNull(tenantId),
    accountId: z.string(),
    asset,
    amount: minorUnits,
    expiresAt: timestamp,
  }),
  PeriodClosed: sealed('PeriodClosed', {
    closeId: z.string(),
    contentHash: hash,
    through: timestamp,
    openFrom: timestamp,
    actor: z.string(),
  }),
  CheckpointSigned: sealed('CheckpointSigned', {
    checkpointId: z.string(),
    contentHash: hash,
    size: z.number().int().nonnegative(),
    root: z.string(),
    keyId: z.string(),
    checkpoint: z.string(),
    signature: z.string(),
  }),
  CommandRejected: sealed('CommandRejected', {
    commandId: z.string(),
    commandType: z.string(),
    contentHash: orNull(hash),
    rejection: z.enum(bookRejections),
    about: orNull(z.string()),
    tenantId: orNull(tenantId),
    actor: orNull(z.string()),
    request: z.record(z.string(), z.string()),
  }),
};
const definitions = defineStoredEvents(storedForms);
const seal = { type: 'event', hash: 'previousHash' };
/** What these begin stays in memory as long as it is open. */
const outlived = new Set(['AccountOpened', 'HoldPlaced']);
const compiled = new Map<string, CompiledEvent | undefined>(
  Object.entries(storedForms).map(([type, { data }]) => [
    type,
    compileEvent(type, data, { seal, outlived: outlived.has(type) }),
  ]),
);

/** An event with its seal. */
export type SealedEvent = {
  [Type in BookEvent['type']]: Extract<BookEvent, { readonly type: Type }> & {
    readonly event: Type;
    readonly previousHash: string;
  };
}[BookEvent['type']];

/** What the outside knows an event by: `0x` and the hash of its exact bytes. */
export function referenceOf(payload: Buffer): string {
  return `0x${sha256Hex(payload)}`;
}

/** The codec that projections read with; the seal's own fields are visible. */
export const bookEventCodec: EventCodec<SealedEvent> = {
  types: definitions.types,
  encode({ event: _type, previousHash, ...event }) {
    return encodeBookEvent(event as BookEvent, previousHash);
  },
  decode(stored) {
    const { event, previousHash } = decodeBookEvent(stored);
    // In place: nobody else has it, and a copy would cost more than the decoding.
    const sealed = event as unknown as Record<string, unknown>;
    sealed['event'] = event.type;
    sealed['previousHash'] = previousHash;
    return event as SealedEvent;
  },
};

/** Throws when a value of the event has no stored form. */
export function encodeBookEvent(
  event: BookEvent,
  previousHash: string,
): Pick<NewEvent, 'type' | 'version' | 'payload'> {
  const { type } = event;
  const text = plainTextOfBookEvent(event, previousHash) ?? textOfBookEvent(event, previousHash);
  const payload = Buffer.from(text);
  return { type, version: storedForms[type].version, payload };
}

/** The JSON that is stored if it has a byte for each character, which that of nearly all events has. */
export function plainTextOfBookEvent(event: BookEvent, previousHash: string): string | undefined {
  return compiled.get(event.type)?.encodePlain(event, previousHash);
}

/** The JSON that is stored. Throws when a value of the event has no stored form. */
export function textOfBookEvent(event: BookEvent, previousHash: string): string {
  return compiled.get(event.type)?.encode(event, previousHash) ?? encodeChecked(event, previousHash).payload.toString();
}

type Decoded = { readonly event: BookEvent; readonly previousHash: string };

/** Refuses bytes whose type, as the store says it, is not the type that was sealed. */
export function decodeBookEvent(stored: Pick<StoredEvent, 'type' | 'version' | 'payload'>): Decoded {
  const { type, version, payload } = stored;
  const fast = compiled.get(type);
  if (fast === undefined || version !== storedForms[type as BookEvent['type']].version) return decodeChecked(stored);
  const text = payload.toString();
  const read = fast.readPlain?.(text);
  if (read !== undefined) return read as unknown as Decoded;
  const data = JSON.parse(text) as { readonly event: string; readonly previousHash: string };
  assert(data.event === type, `an event sealed as ${data.event} is stored as ${type}`);
  return { event: fast.decode(data) as BookEvent, previousHash: data.previousHash };
}

/** How events of the type are written and read without zod, if they are. */
export function compiledOf(type: BookEvent['type']): CompiledEvent | undefined {
  return compiled.get(type);
}

/** What `encodeBookEvent` and `decodeBookEvent` agree with: the definitions themselves, with every check. */
export function decodeChecked(stored: Pick<StoredEvent, 'type' | 'version' | 'payload'>): Decoded {
  const { event: sealedType, previousHash, ...event } = definitions.decode(stored);
  assert(sealedType === stored.type, `an event sealed as ${sealedType} is stored as ${stored.type}`);
  return { event: completed(storedForms[event.type].data.shape, event) as unknown as BookEvent, previousHash };
}

export function encodeChecked(event: BookEvent, previousHash: string): Pick<NewEvent, 'type' | 'version' | 'payload'> {
  const told = shortened(storedForms[event.type].data.shape, event);
  return definitions.encode({ ...told, event: event.type, previousHash } as Parameters<typeof definitions.encode>[0]);
}
