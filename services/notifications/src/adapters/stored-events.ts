import { mode, tenantId, timestamp, webhookDialects, webhookEvents } from '@daybook/contracts';
import { defineStoredEvents, type StoredEventsOf } from '@daybook/event-store';
import { z } from 'zod';

const events = z.array(z.enum(webhookEvents)).readonly();
const endpointId = z.uuid();
const deliveryId = z.uuid();

const endpointEvents = {
  EndpointRegistered: {
    version: 1,
    data: z.object({
      endpointId,
      dialect: z.enum(webhookDialects),
      accountId: z.string().nullable(),
      url: z.string(),
      events,
      sealedSecret: z.string(),
      at: timestamp,
    }),
  },
  EndpointEventsAdded: { version: 1, data: z.object({ endpointId, events, at: timestamp }) },
  EndpointEnabled: { version: 1, data: z.object({ endpointId, at: timestamp }) },
  EndpointDisabled: { version: 1, data: z.object({ endpointId, reason: z.enum(['gone']), at: timestamp }) },
  EndpointSecretRotated: {
    version: 1,
    data: z.object({
      endpointId,
      rotationId: z.string(),
      sealedSecret: z.string(),
      previousUntil: timestamp.nullable(),
      at: timestamp,
    }),
  },
  EndpointRemoved: { version: 1, data: z.object({ endpointId, at: timestamp }) },
};

const deliveryEvents = {
  DeliveryScheduled: {
    version: 1,
    data: z.object({
      deliveryId,
      webhookId: z.uuid(),
      endpointId,
      tenantId,
      mode,
      event: z.enum(webhookEvents),
      subject: z.string(),
      payload: z.string(),
      correlationId: z.string(),
      at: timestamp,
    }),
  },
  DeliveryAttemptFailed: {
    version: 1,
    data: z.object({
      deliveryId,
      attempt: z.number().int().positive(),
      status: z.number().int().nullable(),
      error: z.string(),
      at: timestamp,
      nextAttemptAt: timestamp.nullable(),
    }),
  },
  DeliverySucceeded: {
    version: 1,
    data: z.object({ deliveryId, attempt: z.number().int().positive(), status: z.number().int(), at: timestamp }),
  },
  DeliveryExhausted: {
    version: 1,
    data: z.object({
      deliveryId,
      reason: z.enum(['attempts_used', 'endpoint_gone', 'endpoint_disabled', 'endpoint_removed']),
      at: timestamp,
    }),
  },
  DeliveryRequeued: { version: 1, data: z.object({ deliveryId, at: timestamp }) },
};

export const endpointCodec = defineStoredEvents(endpointEvents);
export const deliveryCodec = defineStoredEvents(deliveryEvents);
/** Everything in this service's store. */
export const storedEvents = defineStoredEvents({ ...endpointEvents, ...deliveryEvents });
export type NotificationEvent = StoredEventsOf<typeof storedEvents>;
