import { z } from 'zod';
import { defineCall } from '../call-contract';
import { mode, tenantId, timestamp } from '../fields';

/** Which dialect's payload an endpoint receives. */
export const webhookDialects = ['pay', 'intents', 'partner'] as const;
export const webhookEvents = [
  'transfer.processing',
  'transfer.confirmed',
  'transfer.failed',
  'transfer.reversed',
  'intent.pending',
  'intent.confirming',
  'intent.partially_paid',
  'intent.paid',
  'intent.settled',
  'intent.expired',
  'intent.underpaid',
  'intent.updated',
  'intent.exception',
  'transaction.pending',
  'transaction.processing',
  'transaction.completed',
  'transaction.failed',
  'transaction.refunded',
] as const;

const endpointView = z.object({
  endpointId: z.uuid(),
  url: z.string(),
  events: z.array(z.enum(webhookEvents)),
  dialect: z.enum(webhookDialects),
  status: z.enum(['enabled', 'disabled']),
  createdAt: timestamp,
  /** The last of the earlier secrets signs until then; null when only the present one does. */
  previousSecretUntil: timestamp.nullable().default(null),
});

/** Idempotent by (tenant, mode, dialect, scope, url): the events of a repeat are added to the endpoint. */
export const registerEndpoint = defineCall({
  name: 'notifications.register-endpoint',
  request: z.strictObject({
    tenantId,
    mode,
    dialect: z.enum(webhookDialects),
    /** Only facts about this account, for `pay`: the wallet. */
    accountId: z.string().nullable(),
    url: z.string().max(2048),
    events: z.array(z.enum(webhookEvents)).min(1),
  }),
  response: z.object({ endpoint: endpointView, /** `whsec_…`, Standard Webhooks. */ secret: z.string() }),
  rejections: ['url_invalid', 'url_not_public', 'endpoints_exhausted'],
});

/** Who asks within the tenant: an account, for which there are only its own endpoints, or null for all of them. */
const asking = z.string().nullable();

export const listEndpoints = defineCall({
  name: 'notifications.list-endpoints',
  request: z.strictObject({ tenantId, mode, accountId: asking.default(null) }),
  response: z.object({ endpoints: z.array(endpointView) }),
});

/** Removing again what was removed lately is accepted; not found is what who asks did not have in this mode. */
export const removeEndpoint = defineCall({
  name: 'notifications.remove-endpoint',
  request: z.strictObject({ tenantId, mode, accountId: asking.default(null), endpointId: z.string() }),
  response: z.object({}),
  rejections: ['endpoint_not_found'],
});

/** How long an earlier secret may count beside the present one: a week. */
export const secretOverlapHoursMax = 168;

/** Idempotent by `rotationId`, until the secret of the endpoint is rotated again. */
export const rotateSecret = defineCall({
  name: 'notifications.rotate-secret',
  request: z.strictObject({
    tenantId,
    mode,
    accountId: asking,
    endpointId: z.string(),
    /** Those that who asks may be told of. */
    dialects: z.array(z.enum(webhookDialects)),
    rotationId: z.string(),
    overlapHours: z.number().int().min(0).max(secretOverlapHoursMax),
  }),
  response: z.object({
    endpoint: endpointView,
    secret: z.string(),
    /** The secret before this one signs until then; null when it does not any more. As the rotation decided. */
    previousUntil: timestamp.nullable(),
    replayed: z.boolean(),
  }),
  rejections: [
    'endpoint_not_found',
    'dialect_not_allowed',
    'rotation_exists_with_different_fields',
    'rotation_superseded',
    'secrets_exhausted',
  ],
});

export const deliveryStatuses = ['pending', 'delivered', 'exhausted'] as const;

/** Newest first. */
export const listDeliveries = defineCall({
  name: 'notifications.list-deliveries',
  request: z.strictObject({
    tenantId,
    mode,
    accountId: asking.default(null),
    endpointId: z.string(),
    limit: z.number().int().min(1).max(100),
    cursor: z.string().nullable(),
  }),
  response: z.object({
    deliveries: z.array(
      z.object({
        deliveryId: z.uuid(),
        event: z.enum(webhookEvents),
        subject: z.string(),
        status: z.enum(deliveryStatuses),
        attempts: z.number().int().nonnegative(),
        lastError: z.string().nullable(),
        nextAttemptAt: timestamp.nullable(),
        createdAt: timestamp,
      }),
    ),
    nextCursor: z.string().nullable(),
  }),
  rejections: ['endpoint_not_found', 'cursor_invalid'],
});

/** Sends a delivery again, with the same webhook id. */
export const redeliver = defineCall({
  name: 'notifications.redeliver',
  request: z.strictObject({ tenantId, mode, accountId: asking.default(null), deliveryId: z.string() }),
  response: z.object({ deliveryId: z.uuid() }),
  rejections: ['delivery_not_found', 'endpoint_disabled'],
});
