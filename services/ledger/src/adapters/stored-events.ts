/**
 * Stored form of a book's events. On top of its own fields every payload carries
 *
 *   event          its own type, so that the bytes say what they are
 *   previousHash   hex SHA-256 of the exact stored bytes of the event before it in the book; 64 zeros for the first
 *
 * so that the events of a book form one chain, and the last hash vouches for all of them. Amounts are decimal strings.
 * What is stored is private to this service; `published-events.ts` maps what others see.
 */
import { assert } from '@daybook/core';
import { accountTypes, asset, minorUnits, signedMinorUnits, tenantId, timestamp } from '@daybook/contracts';
import { sha256Hex } from '@daybook/runtime';
import { defineStoredEvents, type NewEvent, type StoredEvent, type StoredEventsOf } from '@daybook/event-store';
import { z } from 'zod';
import { bookRejections, causeTypes, transferFailures, type BookEvent } from '../domain/book-events';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

export const genesisHash = '0'.repeat(64);

function sealed<const Type extends BookEvent['type'], Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return { version: 1, data: z.object({ event: z.literal(type), ...shape, at: timestamp, previousHash: hash }) };
}

const entries = z
  .array(z.object({ accountId: z.string(), asset, direction: z.enum(['debit', 'credit']), amount: minorUnits }))
  .min(2);

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

const definitions = defineStoredEvents({
  AccountOpened: sealed('AccountOpened', {
    accountId: z.string(),
    tenantId: tenantId.nullable(),
    asset,
    accountType: z.enum(accountTypes),
    floor: signedMinorUnits.nullable(),
    rule: z.string().nullable(),
  }),
  AccountFrozen: sealed('AccountFrozen', { accountId: z.string(), actor: z.string() }),
  AccountUnfrozen: sealed('AccountUnfrozen', { accountId: z.string(), actor: z.string() }),
  TransferAccepted: sealed('TransferAccepted', { transfer, contentHash: hash, note: z.string().nullable() }),
  TransferConfirmed: sealed('TransferConfirmed', { transfer, rule: z.string(), entries }),
  TransferFailed: sealed('TransferFailed', { transfer, reason: z.enum(transferFailures) }),
  TransferReversed: sealed('TransferReversed', {
    reversalId: z.string().nullable().default(null),
    contentHash: hash.nullable().default(null),
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
    tenantId: tenantId.nullable(),
    cause: z.object({ type: z.enum(causeTypes), id: z.string(), subject: z.string() }),
    rule: z.string(),
    entries,
    floorBreaches: z.array(z.string()),
    effectiveAt: timestamp,
  }),
  CommandRejected: sealed('CommandRejected', {
    commandId: z.string(),
    commandType: z.string(),
    contentHash: hash.nullable(),
    rejection: z.enum(bookRejections),
    tenantId: tenantId.nullable(),
    actor: z.string().nullable(),
    request: z.record(z.string(), z.string()),
  }),
});

/** An event as it is stored, with its seal. */
export type SealedEvent = StoredEventsOf<typeof definitions>;

/** What the outside knows an event by: `0x` and the hash of its exact bytes. */
export function referenceOf(payload: Buffer): string {
  return `0x${sha256Hex(payload)}`;
}

/** The codec that projections read with; the seal's own fields are visible. */
export const bookEventCodec = definitions;

export function encodeBookEvent(
  event: BookEvent,
  previousHash: string,
): Pick<NewEvent, 'type' | 'version' | 'payload'> {
  return definitions.encode({ ...event, event: event.type, previousHash } as SealedEvent);
}

/** Refuses bytes whose type, as the store says it, is not the type that was sealed. */
export function decodeBookEvent(stored: Pick<StoredEvent, 'type' | 'version' | 'payload'>): {
  readonly event: BookEvent;
  readonly previousHash: string;
} {
  const { event: sealedType, previousHash, ...event } = definitions.decode(stored);
  assert(sealedType === stored.type, `an event sealed as ${sealedType} is stored as ${stored.type}`);
  return { event: event as BookEvent, previousHash };
}
