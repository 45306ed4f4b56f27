import { z } from 'zod';
import { defineCall } from '../call-contract';
import {
  callersMetadata,
  instant,
  label,
  minorUnits,
  mode,
  pageOfTransactions,
  storableText,
  tenantId,
  timestamp,
  transactionKey,
} from '../fields';
import { paymentCurrencies, paymentProviders, paymentStatusChanged } from '../payment-events';
import { secretOverlapHoursMax } from './notification-calls';

export const gatewayView = z.object({
  gatewayId: z.uuid(),
  /** Unique within the tenant and mode, from 1. */
  number: z.number().int().positive(),
  name: z.string(),
  provider: z.enum(paymentProviders),
  currencies: z.array(z.enum(paymentCurrencies)),
  enabled: z.boolean(),
  createdAt: timestamp,
  /** The last of the earlier webhook secrets is accepted until then; null when only the present one is. */
  previousSecretUntil: timestamp.nullable().default(null),
});

/** How each provider is reached. Secrets are sealed before they are recorded, and no answer shows them. */
export const providerSettings = z.discriminatedUnion('provider', [
  z.strictObject({ provider: z.literal('sandbox'), plays: z.enum(['stripe', 'paypal', 'coinbase']) }),
  z.strictObject({
    provider: z.literal('stripe'),
    secretKey: z.string().min(1).max(500),
    webhookSecret: z.string().min(1).max(500),
  }),
  z.strictObject({
    provider: z.literal('paypal'),
    clientId: z.string().min(1).max(500),
    clientSecret: z.string().min(1).max(500),
    webhookId: z.string().min(1).max(500),
    environment: z.enum(['sandbox', 'live']),
  }),
  z.strictObject({
    provider: z.literal('coinbase'),
    apiKey: z.string().min(1).max(500),
    webhookSecret: z.string().min(1).max(500),
  }),
]);
export type ProviderSettings = z.infer<typeof providerSettings>;

/** Idempotent by name: a repeat with the same content answers the gateway that is there. */
export const addGateway = defineCall({
  name: 'intents.add-gateway',
  request: z.strictObject({
    tenantId,
    mode,
    name: storableText(100).min(1),
    currencies: z.array(z.enum(paymentCurrencies)).min(1),
    settings: providerSettings,
  }),
  response: z.object({ gateway: gatewayView, replayed: z.boolean() }),
  rejections: ['gateway_exists_with_different_fields', 'provider_not_in_mode', 'gateways_too_many'],
});

/**
 * Other settings for a gateway, with the same provider: of the same account there, or what is open is not found with them.
 * Idempotent by `replacementId`.
 */
export const replaceGatewaySettings = defineCall({
  name: 'intents.replace-gateway-settings',
  request: z.strictObject({
    tenantId,
    mode,
    number: z.number().int().positive(),
    settings: providerSettings,
    replacementId: z.string(),
    /** How long the webhook secret before this one is accepted too. With 0 no earlier one is accepted any more. */
    overlapHours: z.number().int().min(0).max(secretOverlapHoursMax),
  }),
  response: z.object({
    gateway: gatewayView,
    /** The webhook secret before this one is accepted until then; null when it is not any more. As the replacement decided. */
    previousUntil: timestamp.nullable(),
    replayed: z.boolean(),
  }),
  rejections: [
    'gateway_not_found',
    'provider_not_in_mode',
    'provider_differs',
    'replacement_exists_with_different_fields',
    'earlier_secrets_exhausted',
  ],
});

export const setGatewayEnabled = defineCall({
  name: 'intents.set-gateway-enabled',
  request: z.strictObject({ tenantId, mode, number: z.number().int().positive(), enabled: z.boolean() }),
  response: z.object({ gateway: gatewayView }),
  rejections: ['gateway_not_found'],
});

export const listGateways = defineCall({
  name: 'intents.list-gateways',
  request: z.strictObject({ tenantId, mode }),
  response: z.object({ gateways: z.array(gatewayView) }),
});

/** A payment as its owner sees it: the published full state. */
export const paymentView = paymentStatusChanged.data.omit({ tenantId: true, mode: true, gatewayId: true }).extend({
  /** Null when there is none, or when it was erased. */
  description: z.string().nullable(),
});

export const createPayment = defineCall({
  name: 'intents.create-payment',
  outward: true,
  request: z.strictObject({
    tenantId,
    mode,
    gatewayNumber: z.number().int().positive(),
    currency: z.enum(paymentCurrencies),
    amount: minorUnits,
    description: storableText(500).nullable(),
    metadata: callersMetadata,
    /** The user who asks, within the tenant. */
    userNumber: z.number().int().positive().nullable(),
    idempotencyKey: label.nullable(),
  }),
  response: z.object({
    payment: paymentView,
    /** What the payer's side needs to go on, by the provider's names; null while the provider has not answered. */
    session: z.record(z.string(), z.string()).nullable(),
    replayed: z.boolean(),
  }),
  rejections: ['idempotency_key_reused', 'gateway_not_found', 'gateway_disabled', 'currency_not_supported'],
});

export const getPayment = defineCall({
  name: 'intents.get-payment',
  request: z.strictObject({ tenantId, mode, transactionId: z.string() }),
  response: z.object({ payment: paymentView }),
  rejections: ['payment_not_found'],
});

/** The sandbox provider's payer decides. A repeat with the same outcome changes nothing. */
export const simulatePayment = defineCall({
  name: 'intents.simulate-payment',
  request: z.strictObject({
    tenantId,
    mode,
    transactionId: z.string(),
    outcome: z.enum(['succeeded', 'failed']),
  }),
  response: z.object({ payment: paymentView }),
  rejections: ['payment_not_found', 'payment_not_simulated', 'payment_decided_otherwise'],
});

/** What went back of a payment at the sandbox provider, in all: a repeat changes nothing, and less is that some came again. */
export const simulateReturn = defineCall({
  name: 'intents.simulate-return',
  request: z.strictObject({
    tenantId,
    mode,
    transactionId: z.string(),
    refunded: minorUnits,
    chargedBack: minorUnits,
  }),
  response: z.object({ payment: paymentView }),
  rejections: ['payment_not_found', 'payment_not_simulated', 'payment_not_taken', 'returned_beyond_payment'],
});

/** Told by a provider. The answer says only whether its signature was right: the state is read from the provider. */
export const receiveProviderWebhook = defineCall({
  name: 'intents.receive-provider-webhook',
  outward: true,
  request: z.strictObject({
    gatewayId: z.uuid(),
    headers: z.record(z.string(), z.string()),
    /** Exactly as received. */
    body: z.string(),
  }),
  response: z.object({}),
  rejections: ['gateway_not_found', 'signature_invalid'],
});

/** Those of them that are there and the tenant's, in any order. */
export const getPayments = defineCall({
  name: 'intents.get-payments',
  request: z.strictObject({ tenantId, mode, transactionIds: pageOfTransactions }),
  response: z.object({ payments: z.array(paymentView) }),
});

/**
 * Newest first, by creation time and then by number. `total` counts all that the filters leave. A list is long and its
 * rows are not small: it has their places only, and `getPayments` has the rows of a page.
 */
export const listPayments = defineCall({
  name: 'intents.list-payments',
  request: z.strictObject({
    tenantId,
    mode,
    status: paymentStatusChanged.data.shape.status.nullable(),
    /** Created at this time or later, and before `to`. */
    from: instant.nullable(),
    to: instant.nullable(),
    limit: z.number().int().min(0).max(10_000),
  }),
  response: z.object({ payments: z.array(transactionKey), total: z.number().int().nonnegative() }),
});
