/**
 * Endpoints: where one tenant, in one mode, wants to be told. All of them are one aggregate, because the limit on
 * their number is a rule over all of them.
 *
 *   none ──register──▶ enabled ◀──register── disabled
 *    ▲                  │   └─────disable──────▶ │
 *    └──────remove──────┴────────remove──────────┘        (register on an enabled one adds events)
 *
 * Which endpoints there were is remembered, so that removing one again is told from removing what never was.
 *
 * Invariants (each has a property test of the same name):
 *   E1  There are never more than 20 endpoints.
 *   E2  An endpoint keeps its secret, url and scope from registration to removal.
 *   E3  The events of an endpoint only grow, without repeats, from registration to removal.
 *   E4  Repeating an accepted command at once is accepted again and records nothing.
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
export type EndpointsState = {
  /** By endpoint id, oldest first. */
  readonly registered: ReadonlyMap<string, Endpoint>;
  /** Ids of those that were removed and are not registered again. */
  readonly removed: ReadonlySet<string>;
};

export const endpoints: Decider<EndpointsState, EndpointCommand, EndpointEvent, EndpointRejection> = {
  initial: { registered: new Map(), removed: new Set() },
  decide,
  evolve,
};

function decide(command: EndpointCommand, state: EndpointsState): Decision<EndpointEvent, EndpointRejection> {
  const { endpointId, at } = command;
  const known = state.registered.get(endpointId);
  switch (command.type) {
    case 'RegisterEndpoint': {
      if (known === undefined) {
        if (state.registered.size >= endpointsMax) return reject('endpoints_exhausted');
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
      if (known !== undefined) return accept({ type: 'EndpointRemoved', endpointId, at });
      return state.removed.has(endpointId) ? accept() : reject('endpoint_not_found');
    default:
      return assertNever(command);
  }
}

function evolve(state: EndpointsState, event: EndpointEvent): EndpointsState {
  const registered = new Map(state.registered);
  const removed = new Set(state.removed);
  const { endpointId } = event;
  const known = registered.get(endpointId);
  if (event.type === 'EndpointRegistered') {
    assert(known === undefined, 'an endpoint is registered twice');
    assert(registered.size < endpointsMax, 'more endpoints than the limit');
    const { type: _, at, ...fields } = event;
    registered.set(endpointId, { ...fields, status: 'enabled', createdAt: at });
    removed.delete(endpointId);
    return { registered, removed };
  }
  assert(known, `${event.type} for an endpoint that is not registered`);
  switch (event.type) {
    case 'EndpointEventsAdded':
      registered.set(endpointId, { ...known, events: [...known.events, ...event.events] });
      return { registered, removed };
    case 'EndpointEnabled':
      assert(known.status === 'disabled', 'an enabled endpoint is enabled');
      registered.set(endpointId, { ...known, status: 'enabled' });
      return { registered, removed };
    case 'EndpointDisabled':
      assert(known.status === 'enabled', 'a disabled endpoint is disabled');
      registered.set(endpointId, { ...known, status: 'disabled' });
      return { registered, removed };
    case 'EndpointRemoved':
      registered.delete(endpointId);
      removed.add(endpointId);
      return { registered, removed };
    default:
      return assertNever(event);
  }
}
