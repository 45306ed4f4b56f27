import { z } from 'zod';
import { defineEvent } from './event-contract';
import { minorUnits, mode, tenantId, timestamp } from './fields';

const topic = 'intents.payments';
const key = (data: { transactionId: string }) => data.transactionId;

/** Who takes the money. `sandbox` needs no account anywhere: it plays the part of one of the others. */
export const paymentProviders = ['stripe', 'paypal', 'coinbase', 'sandbox'] as const;
/** What the fiat payments of a provider may be made in. */
export const paymentCurrencies = ['USD', 'EUR', 'GBP', 'INR'] as const;
export const paymentStatuses = ['pending', 'processing', 'completed', 'failed'] as const;
/** What a person has to look at: the provider took another amount, or took money when the payment was `failed`. */
export const paymentExceptions = ['amount_differs', 'paid_after_failure'] as const;

const common = z.object({
  transactionId: z.string(),
  tenantId,
  mode,
  gatewayId: z.uuid(),
  asset: z.enum(paymentCurrencies),
});

export const paymentStatusChanged = defineEvent({
  type: 'PaymentStatusChanged',
  version: 1,
  topic,
  summary:
    'A payment through a provider came to another status. Carries the full state. One that its provider refused to open, and ' +
    'opened for another caller, goes from `failed` back to `pending`; one whose processing came to nothing, from ' +
    '`processing`.',
  key,
  data: common.extend({
    /** The number that `partner` shows as `id`. */
    number: z.number().int().positive(),
    gatewayNumber: z.number().int().positive(),
    /** The user who made it, within the tenant. */
    userNumber: z.number().int().positive().nullable(),
    provider: z.enum(paymentProviders),
    amount: minorUnits,
    /** What the provider took; null until it did. */
    amountReceived: minorUnits.nullable(),
    status: z.enum(paymentStatuses),
    /** Why it failed, in the provider's words. */
    failure: z.string().nullable(),
    exceptions: z.array(z.enum(paymentExceptions)),
    /** The provider's id of it; null until the provider has answered. */
    providerReference: z.string().nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
  }),
});

export const providerPaymentReceived = defineEvent({
  type: 'ProviderPaymentReceived',
  version: 1,
  topic,
  summary: "A provider took a payer's money for us; `amount` is what it took.",
  key,
  data: common.extend({ amount: minorUnits, at: timestamp }),
});
