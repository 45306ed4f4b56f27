import {
  webhookEvents,
  type CallOutcome,
  type CallRequest,
  type listEndpoints,
  type registerEndpoint,
  type removeEndpoint,
  type rotateSecret,
} from '@daybook/contracts';
import { assert } from '@daybook/core';
import { uuidFrom, type Clock, type Sealer } from '@daybook/runtime';
import { newWebhookSecret } from './standard-webhooks';
import { earlierSecretsAt, reaches, type Endpoint } from '../domain/endpoint';
import type { WebhookClient } from '../ports';
import type { Webhooks } from './webhooks';

export type EndpointDeps = {
  readonly webhooks: Webhooks;
  readonly client: WebhookClient;
  readonly sealer: Sealer;
  readonly now: Clock;
};

/** The url is judged before the rules see it; a repeat answers the secret that the endpoint already has. */
export async function register(
  { webhooks, client, sealer, now }: EndpointDeps,
  { tenantId, mode, dialect, accountId, url, events }: CallRequest<typeof registerEndpoint>,
): Promise<CallOutcome<typeof registerEndpoint>> {
  const problem = await client.check(url, mode);
  if (problem !== undefined) return { ok: false, rejection: problem };

  const scope = accountId === null ? ['tenant'] : ['account', accountId];
  const address = addressed(url);
  const registered = [...(await webhooks.endpointsOf({ tenantId, mode })).values()];
  // Earlier builds took the id from the url as it was written, so that one receiver may have several.
  const known = registered
    .filter((endpoint) => endpoint.dialect === dialect && endpoint.accountId === accountId)
    .filter((endpoint) => addressed(endpoint.url) === address);
  const { endpointId } = known.find((endpoint) => endpoint.url === url) ??
    known[0] ?? { endpointId: uuidFrom(['endpoint', tenantId, mode, dialect, address, ...scope]) };
  const sealedSecret = sealer.seal(newWebhookSecret(), endpointId);
  const fields = { endpointId, dialect, accountId, url, events, sealedSecret };
  const at = now().toISOString();
  const outcome = await webhooks.changeEndpoints({ tenantId, mode }, { type: 'RegisterEndpoint', ...fields, at });
  if (!outcome.ok) {
    assert(outcome.rejection === 'endpoints_exhausted', `registration was refused: ${outcome.rejection}`);
    return { ok: false, rejection: outcome.rejection };
  }
  const endpoint = outcome.state.registered.get(endpointId);
  assert(endpoint, 'a registered endpoint is there');
  const secret = sealer.open(endpoint.sealedSecret, endpointId);
  return { ok: true, value: { endpoint: viewOf(endpoint, at), secret } };
}

/** One receiver has one endpoint and one secret, however its url is written; a fragment is not sent to it. */
function addressed(url: string): string {
  const address = new URL(url);
  address.hash = '';
  return address.href;
}

export async function list(
  { webhooks, now }: EndpointDeps,
  { accountId, ...tenant }: CallRequest<typeof listEndpoints>,
): Promise<CallOutcome<typeof listEndpoints>> {
  const state = await webhooks.endpointsOf(tenant);
  const shown = [...state.values()].filter((endpoint) => reaches(accountId, endpoint.accountId));
  const at = now().toISOString();
  return { ok: true, value: { endpoints: shown.map((endpoint) => viewOf(endpoint, at)) } };
}

export async function remove(
  { webhooks, now }: EndpointDeps,
  { tenantId, mode, accountId, endpointId }: CallRequest<typeof removeEndpoint>,
): Promise<CallOutcome<typeof removeEndpoint>> {
  const command = { type: 'RemoveEndpoint', endpointId, accountId, at: now().toISOString() } as const;
  const outcome = await webhooks.changeEndpoints({ tenantId, mode }, command);
  return outcome.ok ? { ok: true, value: {} } : { ok: false, rejection: 'endpoint_not_found' };
}

/** A repeat makes a secret in vain: the rules keep the one that is there, which is answered again. */
export async function rotate(
  { webhooks, sealer, now }: EndpointDeps,
  { tenantId, mode, ...request }: CallRequest<typeof rotateSecret>,
): Promise<CallOutcome<typeof rotateSecret>> {
  const { endpointId } = request;
  const sealedSecret = sealer.seal(newWebhookSecret(), endpointId);
  const at = now().toISOString();
  const command = { type: 'RotateSecret', ...request, sealedSecret, at } as const;
  const outcome = await webhooks.changeEndpoints({ tenantId, mode }, command);
  if (!outcome.ok) {
    assert(outcome.rejection !== 'endpoints_exhausted', 'a rotation adds no endpoint');
    return { ok: false, rejection: outcome.rejection };
  }
  const endpoint = outcome.state.registered.get(endpointId);
  const rotation = endpoint?.rotations[0];
  assert(endpoint && rotation, 'a rotation that was accepted is the last one of its endpoint');
  const secret = sealer.open(endpoint.sealedSecret, endpointId);
  const { previousUntil } = rotation;
  const replayed = outcome.events.length === 0;
  return { ok: true, value: { endpoint: viewOf(endpoint, at), secret, previousUntil, replayed } };
}

function viewOf(endpoint: Endpoint, at: string) {
  const { endpointId, url, events, dialect, status, createdAt } = endpoint;
  const ends = earlierSecretsAt(endpoint, at).map(({ until }) => until);
  const previousSecretUntil = ends.toSorted().at(-1) ?? null;
  const shown = webhookEvents.filter((event) => events.includes(event));
  return { endpointId, url, events: shown, dialect, status, createdAt, previousSecretUntil };
}
