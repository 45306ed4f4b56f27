import type { Mode } from '@daybook/contracts';
import { commandHandler, type CommandContext, type EventStore } from '@daybook/event-store';
import { currentCorrelation, uuidv7 } from '@daybook/runtime';
import { deliveryCodec, endpointCodec } from '../adapters/stored-events';
import { delivery, type DeliveryCommand } from '../domain/delivery';
import { endpoints, type EndpointCommand } from '../domain/endpoint';

/** The tenant's book: its endpoints are read and changed in one mode only. */
export type Tenant = { readonly tenantId: string; readonly mode: Mode };

const endpointsStream = ({ tenantId, mode }: Tenant) => `endpoints-${tenantId}-${mode}`;
const deliveryStream = (deliveryId: string) => `delivery-${deliveryId}`;

/** The two aggregates behind their streams. */
export type Webhooks = ReturnType<typeof openWebhooks>;

export function openWebhooks(store: EventStore) {
  const endpointHandler = commandHandler(endpoints, endpointCodec, store);
  const deliveryHandler = commandHandler(delivery, deliveryCodec, store);
  return {
    async endpointsOf(tenant: Tenant) {
      return (await endpointHandler.load(endpointsStream(tenant))).state.registered;
    },
    changeEndpoints: (tenant: Tenant, command: EndpointCommand) =>
      endpointHandler.handle(endpointsStream(tenant), command, newContext()),
    async deliveryOf(deliveryId: string) {
      return (await deliveryHandler.load(deliveryStream(deliveryId))).state;
    },
    changeDelivery: (deliveryId: string, command: DeliveryCommand) =>
      deliveryHandler.handle(deliveryStream(deliveryId), command, newContext()),
  };
}

/** Every command is its own: what was already done is recognised by the rules, on the state that they read. */
function newContext(): CommandContext {
  const commandId = uuidv7();
  return { commandId, ...currentCorrelation(commandId) };
}
