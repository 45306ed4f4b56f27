/**
 * The stored form of institutions, transfers and statements: private to this service. Settings are sealed, people's words
 * and recipients encrypted.
 */
import {
  banks,
  institutionTransferExceptions,
  institutionTransferStatuses,
  minorUnits,
  mode,
  statementSays,
  transferCurrencies,
} from '@daybook/contracts';
import { defineStoredEvents, type EventCodec } from '@daybook/event-store';
import { z } from 'zod';
import type { StatementEvent } from '../domain/bank-statement';
import type { TransferEvent } from '../domain/bank-transfer';
import type { InstitutionEvent } from '../domain/institutions';

const number = z.number().int().positive();
const currency = z.enum(transferCurrencies);
const exceptions = z.array(z.enum(institutionTransferExceptions)).readonly();
const reference = z.string().nullable();
const at = z.string();

const institutionDefinitions = {
  InstitutionAdded: {
    version: 1,
    data: z.object({
      terms: z.object({
        institutionId: z.string(),
        tenantId: z.string(),
        mode,
        name: z.string(),
        bank: z.enum(banks),
        currencies: z.array(currency).readonly(),
        sealedSettings: z.string(),
        contentDigest: z.string(),
        number,
      }),
      at,
    }),
  },
  InstitutionEnabledSet: {
    version: 1,
    data: z.object({ institutionId: z.string(), number, enabled: z.boolean(), at }),
  },
} as const;

const shared = z.object({
  transactionId: z.string(),
  transferId: z.string(),
  number,
  tenantId: z.string(),
  mode,
  institutionId: z.string(),
  institutionNumber: number,
  bank: z.enum(banks),
  userNumber: number.nullable(),
  asset: currency,
  amount: minorUnits,
  encryptedDetails: z.string(),
  createdAt: z.string(),
});
const summary = shared.extend({
  status: z.enum(institutionTransferStatuses),
  failure: z.string().nullable(),
  exceptions,
  reference,
  updatedAt: z.string(),
});
const common = z.object({ summary, at });

const transferDefinitions = {
  BankTransferCreated: {
    version: 1,
    data: common.extend({ terms: shared.extend({ contentDigest: z.string(), encryptedRecipient: z.string() }) }),
  },
  BankTransferHeld: { version: 1, data: common },
  BankTransferAcknowledged: { version: 1, data: common },
  BankTransferHanded: { version: 1, data: common.extend({ reference }) },
  BankTransferProcessing: { version: 1, data: common.extend({ reference }) },
  BankTransferRejected: { version: 1, data: common.extend({ reason: z.string() }) },
  BankTransferFailed: { version: 1, data: common.extend({ reason: z.string(), held: z.boolean() }) },
  BankTransferSettled: { version: 1, data: common.extend({ reference, exceptions }) },
  BankTransferReferenced: {
    version: 1,
    data: common.extend({ what: z.enum(['payout', 'return']), reference: z.string() }),
  },
  BankTransferBooked: { version: 1, data: common.extend({ ledgerReference: z.string() }) },
  BankTransferReturned: { version: 1, data: common.extend({ reference, reason: z.string() }) },
  BankTransferReturnBooked: { version: 1, data: common.extend({ ledgerReference: z.string() }) },
} as const;

const line = z.object({
  line: number,
  said: z.enum(statementSays),
  amount: minorUnits.nullable(),
  currency: z.string().nullable(),
  endToEndId: z.string().nullable(),
  reference,
  bookedOn: z.string().nullable(),
  reason: z.string().nullable(),
  transactionId: z.string().nullable(),
  problem: z.string().nullable(),
});

const statementDefinitions = {
  BankStatementReceived: {
    version: 1,
    data: z.object({
      statement: z.object({
        statementId: z.string(),
        institutionId: z.string(),
        digest: z.string(),
        lines: z.array(line).readonly(),
      }),
      at,
    }),
  },
} as const;

export const institutionEvents: EventCodec<InstitutionEvent> = defineStoredEvents(institutionDefinitions);
export const transferEvents: EventCodec<TransferEvent> = defineStoredEvents(transferDefinitions);
export const statementEvents: EventCodec<StatementEvent> = defineStoredEvents(statementDefinitions);

/** For whoever reads the whole log. */
export const bankDefinitions = { ...institutionDefinitions, ...transferDefinitions, ...statementDefinitions } as const;
