import { z } from 'zod';
import { defineEvent } from './event-contract';
import { minorUnits, mode, tenantId, timestamp } from './fields';

const topic = 'intents.payments';
const key = (data: { transactionId: string }) => data.transactionId;

/** Who takes the money. `sandbox` needs no account anywhere: it plays the part of one of the others. */
export const paymentProviders = ['stripe', 'paypal', 'coinbase', 'sandbox'] as const;
/** What the fiat payments of a provider may be made in. */
export const paymentCurrencies = ['USD', 'EUR', 'GBP', 'INR'] as const;
/** `refunded`: it was completed, and all of it went back to the payer. */
export const paymentStatuses = ['pending', 'processing', 'completed', 'failed', 'refunded'] as const;
/**
 * What a person has to look at: the provider took another amount, took money when the payment was `failed`, or gave the payer
 * money back in a dispute.
 */
export const paymentExceptions = ['amount_differs', 'paid_after_failure', 'disputed'] as const;

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
    '`processing`. What went back of it changes without the status, until all of it has.',
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
    /**
     * What of that went back, in refunds and in disputes that are not won. Less than before when one fails, or is won; not there
     * until something went back.
     */
    returned: z.object({ refunded: minorUnits, chargedBack: minorUnits }).exactOptional(),
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

export const providerPaymentReturned = defineEvent({
  type: 'ProviderPaymentReturned',
  version: 1,
  topic,
  summary:
    'Of what a provider took, `amount` went back to the payer, or, `reinstated`, came back to us: a refund failed or a ' +
    'dispute was won.',
  key,
  data: common.extend({
    /** From 1, for each payment. */
    change: z.number().int().positive(),
    direction: z.enum(['returned', 'reinstated']),
    amount: minorUnits,
    at: timestamp,
  }),
});
