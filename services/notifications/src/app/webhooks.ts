/**
 * The two aggregates behind their streams. Deliveries are many small streams whose writers nearly always know the state:
 * they are appended together, and what another writer changed meanwhile is decided again on its own.
 */
import type { Mode } from '@daybook/contracts';
import { assert, isOperationalError } from '@daybook/core';
import {
  appendEach,
  commandHandler,
  type CommandContext,
  type EventStore,
  type StreamAppend,
} from '@daybook/event-store';
import { currentCorrelation, uuidFrom, uuidv7, type Clock } from '@daybook/runtime';
import { deliveryCodec, endpointCodec } from '../adapters/stored-events';
import { delivery, type DeliveryCommand, type DeliveryEvent, type DeliveryState } from '../domain/delivery';
import { endpoints, type Endpoint, type EndpointCommand } from '../domain/endpoint';
import { gathered } from './gathered';

/** The tenant's book: its endpoints are read and changed in one mode only. */
export type Tenant = { readonly tenantId: string; readonly mode: Mode };

/** A delivery and the revision of its last event, as its reader or writer knows it. */
export type KnownDelivery = { readonly state: DeliveryState; readonly revision: bigint };

export type ScheduleDelivery = Extract<DeliveryCommand, { readonly type: 'ScheduleDelivery' }>;

const endpointsStream = ({ tenantId, mode }: Tenant) => `endpoints-${tenantId}-${mode}`;
const deliveryStream = (deliveryId: string) => `delivery-${deliveryId}`;

/** Appends of one statement. */
const togetherMax = 200;
/** A delivery that is sent so soon after the endpoints were read is like one that was on its way already. */
const freshMs = 500;
const tenantsMax = 1_000;

export type Webhooks = ReturnType<typeof openWebhooks>;

export function openWebhooks(store: EventStore, now: Clock) {
  const endpointHandler = commandHandler(endpoints, endpointCodec, store);
  const deliveryHandler = commandHandler(delivery, deliveryCodec, store);
  const append = gathered((appends: readonly StreamAppend[]) => appendEach(store, appends), togetherMax);
  const recent = recentEndpoints(now);

  const endpointsOf = async (tenant: Tenant) => {
    const asked = now().getTime();
    const { registered } = (await endpointHandler.load(endpointsStream(tenant))).state;
    recent.set(tenant, registered, asked);
    return registered;
  };
  const changeDelivery = (deliveryId: string, command: DeliveryCommand) =>
    deliveryHandler.handle(deliveryStream(deliveryId), command, newContext());

  return {
    /** All that was changed before the call. */
    endpointsOf,
    /** As of half a second ago at most. */
    recentEndpointsOf: async (tenant: Tenant) => recent.get(tenant) ?? endpointsOf(tenant),
    async changeEndpoints(tenant: Tenant, command: EndpointCommand) {
      recent.forget(tenant);
      const outcome = await endpointHandler.handle(endpointsStream(tenant), command, newContext());
      recent.forget(tenant);
      return outcome;
    },
    async deliveryOf(deliveryId: string): Promise<KnownDelivery> {
      const { state, expected } = await deliveryHandler.load(deliveryStream(deliveryId));
      return { state, revision: expected === 'no_stream' ? -1n : expected };
    },
    changeDelivery,
    /** Those that are scheduled by this call; one that was before is left out, or is there again. */
    async schedule(command: ScheduleDelivery): Promise<KnownDelivery | undefined> {
      const known = { state: delivery.initial, revision: -1n };
      const after = await appendKnown(append, command, known);
      if (after !== undefined) return after;
      const outcome = await changeDelivery(command.deliveryId, command);
      assert(outcome.ok, 'scheduling a delivery is never refused');
      return undefined;
    },
    /** As `changeDelivery`, of a delivery that is probably still as it is known. */
    async record(deliveryId: string, command: DeliveryCommand, known: KnownDelivery): Promise<void> {
      if ((await appendKnown(append, command, known)) === undefined) await changeDelivery(deliveryId, command);
    },
  };
}

/** The delivery after the command; undefined when that is for `changeDelivery` to settle. */
async function appendKnown(
  append: (append: StreamAppend) => Promise<boolean>,
  command: DeliveryCommand,
  { state, revision }: KnownDelivery,
): Promise<KnownDelivery | undefined> {
  const decision = delivery.decide(command, state);
  if (!decision.ok || decision.events.length !== 1) return undefined;
  const event = decision.events[0] as DeliveryEvent;
  const stream = deliveryStream(event.deliveryId);
  const expected = revision < 0n ? ('no_stream' as const) : revision;
  const { commandId, ...metadata } = newContext();
  const id = uuidFrom([stream, String(expected), commandId, '0']);
  try {
    const stored = { id, ...deliveryCodec.encode(event), metadata };
    if (!(await append({ stream, event: stored, expected }))) return undefined;
  } catch (error) {
    if (isOperationalError(error) && error.code === 'outcome_unknown') return undefined;
    throw error;
  }
  return { state: delivery.evolve(state, event), revision: revision + 1n };
}

/** Every command is its own: what was already done is recognised by the rules, on the state that they read. */
function newContext(): CommandContext {
  const commandId = uuidv7();
  return { commandId, ...currentCorrelation(commandId) };
}

/** Endpoints of tenants as they were read last, for half a second. */
function recentEndpoints(now: Clock) {
  const known = new Map<string, { readonly registered: ReadonlyMap<string, Endpoint>; readonly asked: number }>();
  return {
    get(tenant: Tenant) {
      const found = known.get(endpointsStream(tenant));
      return found !== undefined && Math.abs(now().getTime() - found.asked) < freshMs ? found.registered : undefined;
    },
    set(tenant: Tenant, registered: ReadonlyMap<string, Endpoint>, asked: number) {
      if (known.size >= tenantsMax) known.clear();
      known.set(endpointsStream(tenant), { registered, asked });
    },
    forget: (tenant: Tenant) => void known.delete(endpointsStream(tenant)),
  };
}
