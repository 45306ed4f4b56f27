import { z } from 'zod';
import { defineEvent } from './event-contract';
import { minorUnits, mode, tenantId, timestamp } from './fields';

const topic = 'settlement.institution-transfers';
const key = (data: { transactionId: string }) => data.transactionId;

/** How an institution is reached. `sandbox` needs no account anywhere; `iso20022` is told by files and tells by statements. */
export const banks = ['sandbox', 'iso20022'] as const;
/** What transfers through institutions may be made in. */
export const transferCurrencies = ['USD', 'EUR', 'GBP', 'INR'] as const;
export const institutionTransferStatuses = ['pending', 'processing', 'completed', 'failed', 'returned'] as const;
/** What a person has to look at: the institution paid out after it had refused, when the money was free again. */
export const institutionTransferExceptions = ['paid_after_failure'] as const;

const common = z.object({
  transactionId: z.string(),
  tenantId,
  mode,
  institutionId: z.uuid(),
  asset: z.enum(transferCurrencies),
  amount: minorUnits,
});

export const institutionTransferStatusChanged = defineEvent({
  type: 'InstitutionTransferStatusChanged',
  version: 1,
  topic,
  summary: 'A transfer through an institution came to another status. Carries the full state, but for the recipient.',
  key,
  data: common.extend({
    /** What the institution knows it by, for ever. */
    transferId: z.string(),
    /** The number that `partner` shows as `id`. */
    number: z.number().int().positive(),
    institutionNumber: z.number().int().positive(),
    /** The user who made it, within the tenant. */
    userNumber: z.number().int().positive().nullable(),
    bank: z.enum(banks),
    status: z.enum(institutionTransferStatuses),
    /** Why it failed or came back, in the institution's words. */
    failure: z.string().nullable(),
    exceptions: z.array(z.enum(institutionTransferExceptions)),
    /** The institution's own reference; null until it has told one. */
    institutionReference: z.string().nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
  }),
});

export const institutionTransferSettled = defineEvent({
  type: 'InstitutionTransferSettled',
  version: 1,
  topic,
  summary: 'The institution has paid out: the held amount is gone. `holdId` is the hold in the ledger.',
  key,
  data: common.extend({ holdId: z.string(), at: timestamp }),
});

export const institutionTransferFailed = defineEvent({
  type: 'InstitutionTransferFailed',
  version: 1,
  topic,
  summary: 'The institution has refused and nothing moved: the hold `holdId` is to be released.',
  key,
  data: common.extend({ holdId: z.string(), at: timestamp }),
});

export const institutionTransferReturned = defineEvent({
  type: 'InstitutionTransferReturned',
  version: 1,
  topic,
  summary: 'What was paid out came back, all of it.',
  key,
  data: common.extend({ at: timestamp }),
});
