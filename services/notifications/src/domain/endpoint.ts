/**
 * Endpoints: where one tenant, in one mode, wants to be told. All of them are one aggregate, because the limit on
 * their number is a rule over all of them.
 *
 *   none ──register──▶ enabled ◀──register── disabled
 *    ▲                  │   └─────disable──────▶ │
 *    └──────remove──────┴────────remove──────────┘        (register on an enabled one adds events)
 *
 * Invariants (each has a property test of the same name):
 *   E1  There are never more than 20 endpoints.
 *   E2  An endpoint keeps its secret, url and scope from registration to removal.
 *   E3  The events of an endpoint only grow, without repeats, from registration to removal.
 *   E4  Repeating an accepted command at once records nothing, and is accepted again unless it removed the endpoint.
 */
import type { webhookDialects, webhookEvents } from '@daybook/contracts';
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';

/** Endpoints that a tenant has at most, per mode. */
export const endpointsMax = 20;

export type WebhookEvent = (typeof webhookEvents)[number];
export type WebhookDialect = (typeof webhookDialects)[number];

export type EndpointFields = {
  readonly endpointId: string;
  readonly dialect: WebhookDialect;
  /** Only facts about this account; null for all of the tenant's. */
  readonly accountId: string | null;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  /** Signing secret, sealed. */
  readonly sealedSecret: string;
};

export type EndpointCommand =
  | (EndpointFields & { readonly type: 'RegisterEndpoint'; readonly at: string })
  | {
      readonly type: 'DisableEndpoint';
      readonly endpointId: string;
      readonly reason: DisableReason;
      readonly at: string;
    }
  | { readonly type: 'RemoveEndpoint'; readonly endpointId: string; readonly at: string };

/** `gone`: the receiver answered 410. */
export type DisableReason = 'gone';

export type EndpointEvent =
  | (EndpointFields & { readonly type: 'EndpointRegistered'; readonly at: string })
  | {
      readonly type: 'EndpointEventsAdded';
      readonly endpointId: string;
      readonly events: readonly WebhookEvent[];
      readonly at: string;
    }
  | { readonly type: 'EndpointEnabled'; readonly endpointId: string; readonly at: string }
  | {
      readonly type: 'EndpointDisabled';
      readonly endpointId: string;
      readonly reason: DisableReason;
      readonly at: string;
    }
  | { readonly type: 'EndpointRemoved'; readonly endpointId: string; readonly at: string };

export type EndpointRejection = 'endpoint_not_found' | 'endpoints_exhausted';

export type Endpoint = EndpointFields & { readonly status: 'enabled' | 'disabled'; readonly createdAt: string };
/** By endpoint id, oldest first. */
export type EndpointsState = ReadonlyMap<string, Endpoint>;

export const endpoints: Decider<EndpointsState, EndpointCommand, EndpointEvent, EndpointRejection> = {
  initial: new Map(),
  decide,
  evolve,
};

function decide(command: EndpointCommand, state: EndpointsState): Decision<EndpointEvent, EndpointRejection> {
  const { endpointId, at } = command;
  const known = state.get(endpointId);
  switch (command.type) {
    case 'RegisterEndpoint': {
      if (known === undefined) {
        if (state.size >= endpointsMax) return reject('endpoints_exhausted');
        return accept({ ...command, type: 'EndpointRegistered', events: [...new Set(command.events)] });
      }
      const added = [...new Set(command.events)].filter((event) => !known.events.includes(event));
      const events: EndpointEvent[] = [];
      if (added.length > 0) events.push({ type: 'EndpointEventsAdded', endpointId, events: added, at });
      if (known.status === 'disabled') events.push({ type: 'EndpointEnabled', endpointId, at });
      return accept(...events);
    }
    case 'DisableEndpoint':
      if (known === undefined) return reject('endpoint_not_found');
      if (known.status === 'disabled') return accept();
      return accept({ type: 'EndpointDisabled', endpointId, reason: command.reason, at });
    case 'RemoveEndpoint':
      if (known === undefined) return reject('endpoint_not_found');
      return accept({ type: 'EndpointRemoved', endpointId, at });
    default:
      return assertNever(command);
  }
}

function evolve(state: EndpointsState, event: EndpointEvent): EndpointsState {
  const next = new Map(state);
  const known = state.get(event.endpointId);
  if (event.type === 'EndpointRegistered') {
    assert(known === undefined, 'an endpoint is registered twice');
    assert(state.size < endpointsMax, 'more endpoints than the limit');
    const { type: _, at, ...fields } = event;
    return next.set(event.endpointId, { ...fields, status: 'enabled', createdAt: at });
  }
  assert(known, `${event.type} for an endpoint that is not registered`);
  switch (event.type) {
    case 'EndpointEventsAdded':
      return next.set(event.endpointId, { ...known, events: [...known.events, ...event.events] });
    case 'EndpointEnabled':
      assert(known.status === 'disabled', 'an enabled endpoint is enabled');
      return next.set(event.endpointId, { ...known, status: 'enabled' });
    case 'EndpointDisabled':
      assert(known.status === 'enabled', 'a disabled endpoint is disabled');
      return next.set(event.endpointId, { ...known, status: 'disabled' });
    case 'EndpointRemoved':
      next.delete(event.endpointId);
      return next;
    default:
      return assertNever(event);
  }
}
