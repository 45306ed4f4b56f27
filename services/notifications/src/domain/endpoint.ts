/**
 * Endpoints: where one tenant, in one mode, wants to be told. All of them are one aggregate, because the limits on
 * their number are rules over several of them. Each owner, an account or the whole tenant, has a limit of its own, so that
 * the token of one wallet cannot use up what others may register.
 *
 *   none ──register──▶ enabled ◀──register── disabled
 *    ▲                  │   └─────disable──────▶ │
 *    └──────remove──────┴────────remove──────────┘        (register on an enabled one adds events)
 *
 * Rotating the secret of an endpoint changes neither. The secret before it signs too for as long as was asked, so that a
 * receiver has time to change over. A rotation has an id: its repeat, while it is the last one, finds the same secret.
 *
 * Which endpoints were removed last is remembered, so that removing one again is told from removing what never was.
 * Only so many: whoever registers and removes without end must not make each fact of the tenant slower to tell.
 *
 * Invariants (each has a property test of the same name):
 *   E1  There are never more than 20 endpoints of an owner, and never more than 1,000 in all.
 *   E2  An endpoint keeps its url and scope from registration to removal. Its secret changes by rotation only, and every
 *       earlier one signs until the time that it was given.
 *   E3  The events of an endpoint only grow, without repeats, from registration to removal.
 *   E4  Repeating an accepted command at once is accepted again and records nothing.
 *   E5  There are never more than three earlier secrets of an endpoint that sign.
 */
import type { webhookDialects, webhookEvents } from '@daybook/contracts';
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';

/** Endpoints that an account has at most, and beside its accounts the tenant itself, per mode. */
export const endpointsOfOwnerMax = 20;
/** Endpoints that a tenant and its accounts have at most, per mode: who tells a fact keeps all of them in memory. */
export const endpointsMax = 1_000;
/** Removed endpoints that are remembered, per tenant and mode: a repeat comes soon after, or together with others. */
export const removedMax = 100;
/** Earlier secrets of an endpoint that sign at most: each is one more signature in the header of every attempt. */
export const earlierSecretsMax = 3;
/** Rotations that are remembered, per endpoint: a repeat comes soon after. */
export const rotationsMax = 20;

const hourMs = 3_600_000;

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

type RotateSecret = {
  readonly type: 'RotateSecret';
  readonly endpointId: string;
  /** Who asks, as in `RemoveEndpoint`. */
  readonly accountId: string | null;
  /** Those that who asks may be told of. Who knows the secret could speak for us. */
  readonly dialects: readonly WebhookDialect[];
  readonly rotationId: string;
  readonly sealedSecret: string;
  /** How long the secret before it signs too. */
  readonly overlapHours: number;
  readonly at: string;
};

export type EndpointCommand =
  | (EndpointFields & { readonly type: 'RegisterEndpoint'; readonly at: string })
  | {
      readonly type: 'DisableEndpoint';
      readonly endpointId: string;
      readonly reason: DisableReason;
      readonly at: string;
    }
  | {
      readonly type: 'RemoveEndpoint';
      readonly endpointId: string;
      /** Who asks: an account, for which there are only its own endpoints; null for the tenant, which has all. */
      readonly accountId: string | null;
      readonly at: string;
    }
  | RotateSecret;

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
  | EndpointSecretRotated
  | { readonly type: 'EndpointRemoved'; readonly endpointId: string; readonly at: string };

type EndpointSecretRotated = {
  readonly type: 'EndpointSecretRotated';
  readonly endpointId: string;
  readonly rotationId: string;
  readonly sealedSecret: string;
  /** The secret before it signs until then; null when it does not any more. */
  readonly previousUntil: string | null;
  readonly at: string;
};

/** In precedence, but for `endpoints_exhausted`, which is of registration. */
export type EndpointRejection =
  | 'endpoints_exhausted'
  | 'endpoint_not_found'
  | 'dialect_not_allowed'
  | 'rotation_exists_with_different_fields'
  | 'rotation_superseded'
  | 'secrets_exhausted';

export type Endpoint = EndpointFields & {
  readonly status: 'enabled' | 'disabled';
  readonly createdAt: string;
  /** Newest first: those that had not ended at the last rotation. `earlierSecretsAt` has those that sign. */
  readonly earlierSecrets: readonly EarlierSecret[];
  /** The last ones, newest first. */
  readonly rotations: readonly Rotation[];
};
/** Signs beside the present one, before `until`. */
export type EarlierSecret = { readonly sealedSecret: string; readonly until: string };
export type Rotation = Pick<EndpointSecretRotated, 'rotationId' | 'previousUntil' | 'at'>;
export type EndpointsState = {
  /** By endpoint id, oldest first. */
  readonly registered: ReadonlyMap<string, Endpoint>;
  /** By the ids of those that were removed and are not registered again, of the last ones, oldest first: their accounts. */
  readonly removed: ReadonlyMap<string, string | null>;
};

export const endpoints: Decider<EndpointsState, EndpointCommand, EndpointEvent, EndpointRejection> = {
  initial: { registered: new Map(), removed: new Map() },
  decide,
  evolve,
};

function decide(command: EndpointCommand, state: EndpointsState): Decision<EndpointEvent, EndpointRejection> {
  const { endpointId, at } = command;
  const known = state.registered.get(endpointId);
  switch (command.type) {
    case 'RegisterEndpoint': {
      if (known === undefined) {
        if (!hasRoom(state, command)) return reject('endpoints_exhausted');
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
    case 'RemoveEndpoint': {
      const owner = known === undefined ? state.removed.get(endpointId) : known.accountId;
      if (owner === undefined || !reaches(command.accountId, owner)) return reject('endpoint_not_found');
      return known === undefined ? accept() : accept({ type: 'EndpointRemoved', endpointId, at });
    }
    case 'RotateSecret':
      if (known === undefined || !reaches(command.accountId, known.accountId)) return reject('endpoint_not_found');
      return rotate(command, known);
    default:
      return assertNever(command);
  }
}

function rotate(command: RotateSecret, endpoint: Endpoint): Decision<EndpointEvent, EndpointRejection> {
  const { endpointId, rotationId, sealedSecret, overlapHours, at } = command;
  if (!command.dialects.includes(endpoint.dialect)) return reject('dialect_not_allowed');
  const made = endpoint.rotations.find((rotation) => rotation.rotationId === rotationId);
  if (made !== undefined) {
    const isSame = made.previousUntil === endOf(overlapHours, made.at);
    if (!isSame) return reject('rotation_exists_with_different_fields');
    return made === endpoint.rotations[0] ? accept() : reject('rotation_superseded');
  }
  const previousUntil = endOf(overlapHours, at);
  // Without an overlap there is none more: what leaked can always be replaced.
  const isOneMore = previousUntil !== null;
  if (isOneMore && earlierSecretsAt(endpoint, at).length >= earlierSecretsMax) return reject('secrets_exhausted');
  return accept({ type: 'EndpointSecretRotated', endpointId, rotationId, sealedSecret, previousUntil, at });
}

function endOf(overlapHours: number, at: string): string | null {
  return overlapHours === 0 ? null : new Date(Date.parse(at) + overlapHours * hourMs).toISOString();
}

/** Those that sign at a time, newest first. */
export function earlierSecretsAt({ earlierSecrets }: Endpoint, at: string): readonly EarlierSecret[] {
  return earlierSecrets.filter(({ until }) => until > at);
}

/** Whether there is an endpoint of `owner` for who asks: the tenant has all, an account its own. */
export function reaches(asking: string | null, owner: string | null): boolean {
  return asking === null || asking === owner;
}

/** For one more of its owner. */
function hasRoom({ registered }: EndpointsState, { accountId }: Pick<EndpointFields, 'accountId'>): boolean {
  const owned = [...registered.values()].filter((endpoint) => endpoint.accountId === accountId);
  return owned.length < endpointsOfOwnerMax && registered.size < endpointsMax;
}

function evolve(state: EndpointsState, event: EndpointEvent): EndpointsState {
  const { endpointId } = event;
  const known = state.registered.get(endpointId);
  if (event.type === 'EndpointRegistered') {
    assert(known === undefined, 'an endpoint is registered twice');
    assert(hasRoom(state, event), 'more endpoints than the limits');
    const { type: _, at, ...fields } = event;
    const removed = new Map(state.removed);
    removed.delete(endpointId);
    const fresh = { ...fields, status: 'enabled', createdAt: at, earlierSecrets: [], rotations: [] } as const;
    return { ...withEndpoint(state, fresh), removed };
  }
  assert(known, `${event.type} for an endpoint that is not registered`);
  switch (event.type) {
    case 'EndpointEventsAdded':
      return withEndpoint(state, { ...known, events: [...known.events, ...event.events] });
    case 'EndpointEnabled':
      assert(known.status === 'disabled', 'an enabled endpoint is enabled');
      return withEndpoint(state, { ...known, status: 'enabled' });
    case 'EndpointDisabled':
      assert(known.status === 'enabled', 'a disabled endpoint is disabled');
      return withEndpoint(state, { ...known, status: 'disabled' });
    case 'EndpointSecretRotated':
      return withEndpoint(state, withSecret(known, event));
    case 'EndpointRemoved':
      return withoutEndpoint(state, known);
    default:
      return assertNever(event);
  }
}

function withSecret(endpoint: Endpoint, { sealedSecret, rotationId, previousUntil, at }: EndpointSecretRotated) {
  const isKept = previousUntil !== null && previousUntil > at;
  const previous = isKept ? [{ sealedSecret: endpoint.sealedSecret, until: previousUntil }] : [];
  const earlierSecrets = [...previous, ...earlierSecretsAt(endpoint, at)];
  assert(earlierSecrets.length <= earlierSecretsMax, 'more earlier secrets than the limit');
  const rotations = [{ rotationId, previousUntil, at }, ...endpoint.rotations].slice(0, rotationsMax);
  return { ...endpoint, sealedSecret, earlierSecrets, rotations };
}

function withEndpoint(state: EndpointsState, endpoint: Endpoint): EndpointsState {
  return { ...state, registered: new Map(state.registered).set(endpoint.endpointId, endpoint) };
}

function withoutEndpoint(state: EndpointsState, { endpointId, accountId }: Endpoint): EndpointsState {
  const registered = new Map(state.registered);
  registered.delete(endpointId);
  const removed = [...state.removed, [endpointId, accountId] as const].slice(-removedMax);
  return { registered, removed: new Map(removed) };
}
