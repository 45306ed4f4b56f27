/** Transfers from a tenant's balance to a recipient's account at a bank, through an institution that the tenant configured. */
import { z } from 'zod';
import { defineCall } from '../call-contract';
import { label, minorUnits, mode, storableText, tenantId, timestamp } from '../fields';
import { banks, institutionTransferStatusChanged, transferCurrencies } from '../institution-transfer-events';

export const institutionView = z.object({
  institutionId: z.uuid(),
  /** Unique within the tenant and mode, from 1. */
  number: z.number().int().positive(),
  name: z.string(),
  bank: z.enum(banks),
  currencies: z.array(z.enum(transferCurrencies)),
  enabled: z.boolean(),
  createdAt: timestamp,
});

/** ISO 13616: country, check digits, at most 30 characters. */
const iban = z.string().regex(/^[A-Z]{2}\d{2}[A-Z0-9]{8,30}$/);
/** ISO 9362. */
const bic = z.string().regex(/^[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$/);

/** How each bank is reached. Settings are sealed before they are recorded, and no answer shows them. */
export const institutionSettings = z.discriminatedUnion('bank', [
  z.strictObject({
    bank: z.literal('sandbox'),
    /** Until it pays out by itself, in seconds. */
    settleAfterSeconds: z.number().int().min(0).max(86_400),
  }),
  z.strictObject({
    bank: z.literal('iso20022'),
    /** Whose account pays. Characters that every bank takes: SEPA's Latin set. */
    debtorName: z.string().regex(/^[A-Za-z0-9/?:().,'+ -]{1,70}$/),
    debtorIban: iban,
    debtorBic: bic,
  }),
]);
export type InstitutionSettings = z.infer<typeof institutionSettings>;

/** Idempotent by name: a repeat with the same content answers the institution that is there. */
export const addInstitution = defineCall({
  name: 'settlement.add-institution',
  request: z.strictObject({
    tenantId,
    mode,
    name: storableText(100).min(1),
    currencies: z.array(z.enum(transferCurrencies)).min(1),
    settings: institutionSettings,
  }),
  response: z.object({ institution: institutionView, replayed: z.boolean() }),
  rejections: [
    'bank_not_in_mode',
    'bank_not_available',
    'institution_exists_with_different_fields',
    'institutions_too_many',
  ],
});

export const setInstitutionEnabled = defineCall({
  name: 'settlement.set-institution-enabled',
  request: z.strictObject({ tenantId, mode, number: z.number().int().positive(), enabled: z.boolean() }),
  response: z.object({ institution: institutionView }),
  rejections: ['institution_not_found'],
});

export const listInstitutions = defineCall({
  name: 'settlement.list-institutions',
  request: z.strictObject({ tenantId, mode }),
  response: z.object({ institutions: z.array(institutionView) }),
});

/** A transfer as its owner sees it: the published full state. */
export const institutionTransferView = institutionTransferStatusChanged.data
  .omit({ tenantId: true, mode: true, institutionId: true })
  .extend({
    /** Null when there is none, or when it was erased. */
    description: z.string().nullable(),
  });

const recipientFieldsMax = 20;
/** What banks ask of a recipient. Each takes some of them. */
export const recipientFields = ['name', 'iban', 'account_number', 'bic', 'routing_number', 'sort_code'] as const;
/** Why a recipient cannot be paid. */
export const recipientRejections = [
  // By a field that the institution does not take.
  'recipient_invalid',
  // A field that is wrong, or an account or bank that is missing.
  ...recipientFields.map((field) => `recipient_${field}_invalid` as const),
  // Two accounts, or two banks.
  'recipient_account_ambiguous',
  'recipient_clearing_code_ambiguous',
  'recipient_name_missing',
] as const;

/** As much of a description reaches a bank that is told by files. */
export const remittanceLengthMax = 140;

/**
 * The amount is held before the institution is told. What comes of it is for the institution to say: the answer may be
 * that it is pending, also when the ledger or the institution did not answer in time.
 */
export const createInstitutionTransfer = defineCall({
  name: 'settlement.create-institution-transfer',
  request: z.strictObject({
    tenantId,
    mode,
    institutionNumber: z.number().int().positive(),
    currency: z.enum(transferCurrencies),
    amount: minorUnits.refine((units) => units > 0n, 'must be greater than zero'),
    description: storableText(500).nullable(),
    /** Whom the institution is to pay, by the names of its own forms. */
    recipient: z
      .record(storableText(40).min(1), storableText(200).min(1))
      .refine((fields) => Object.keys(fields).length <= recipientFieldsMax, `at most ${recipientFieldsMax} fields`),
    /** The user who asks, within the tenant. */
    userNumber: z.number().int().positive().nullable(),
    idempotencyKey: label.nullable(),
  }),
  response: z.object({ transfer: institutionTransferView, replayed: z.boolean() }),
  rejections: [
    'idempotency_key_reused',
    'institution_not_found',
    'institution_disabled',
    'currency_not_supported',
    ...recipientRejections,
    'insufficient_balance',
    'account_frozen',
  ],
});

export const getInstitutionTransfer = defineCall({
  name: 'settlement.get-institution-transfer',
  request: z.strictObject({ tenantId, mode, transactionId: z.string() }),
  response: z.object({ transfer: institutionTransferView }),
  rejections: ['transfer_not_found'],
});

/** The sandbox bank decides. A repeat with the same outcome changes nothing; only what was settled can be returned. */
export const simulateInstitutionTransfer = defineCall({
  name: 'settlement.simulate-institution-transfer',
  request: z.strictObject({
    tenantId,
    mode,
    transactionId: z.string(),
    outcome: z.enum(['settled', 'rejected', 'returned']),
  }),
  response: z.object({ transfer: institutionTransferView }),
  rejections: ['transfer_not_found', 'transfer_not_simulated', 'transfer_decided_otherwise'],
});

/** What a line says: booked on the account, by a statement; or the status of an order, by a report. */
export const statementSays = ['debit', 'credit', 'accepted', 'processing', 'rejected'] as const;

/** What an institution says in a statement or a report, line by line. Never the names or accounts of the other side. */
export const statementLineView = z.object({
  statementId: z.string(),
  /** Place in the statement, from 1. */
  line: z.number().int().positive(),
  said: z.enum(statementSays),
  /** Minor units; null when it is in a currency that is not kept here, or was not said. */
  amount: minorUnits.nullable(),
  currency: z.string().nullable(),
  endToEndId: z.string().nullable(),
  /** The institution's own reference of the entry. */
  reference: z.string().nullable(),
  bookedOn: z.string().nullable(),
  reason: z.string().nullable(),
  /** The transfer that it is about; null when it matches none. */
  transactionId: z.string().nullable(),
  /** Why it matches none. */
  problem: z.string().nullable(),
  receivedAt: timestamp,
});

/** camt.053 statements and pain.002 reports. The same document twice changes nothing. */
export const receiveStatement = defineCall({
  name: 'settlement.receive-statement',
  bodyMax: 4_000_000,
  request: z.strictObject({
    tenantId,
    mode,
    institutionNumber: z.number().int().positive(),
    /** XML. */
    document: z.string().min(1).max(3_000_000),
  }),
  response: z.object({
    statementIds: z.array(z.string()),
    matched: z.number().int().nonnegative(),
    unmatched: z.number().int().nonnegative(),
    replayed: z.boolean(),
  }),
  rejections: [
    'institution_not_found',
    'institution_without_statements',
    'statement_invalid',
    'statement_of_other_account',
    'statement_exists_with_different_content',
  ],
});

/** Newest first. */
export const listStatementLines = defineCall({
  name: 'settlement.list-statement-lines',
  request: z.strictObject({
    tenantId,
    mode,
    institutionNumber: z.number().int().positive(),
    matched: z.boolean().nullable(),
    limit: z.number().int().min(1).max(100),
    cursor: z.string().nullable(),
  }),
  response: z.object({ lines: z.array(statementLineView), nextCursor: z.string().nullable() }),
  rejections: ['institution_not_found', 'cursor_invalid'],
});
