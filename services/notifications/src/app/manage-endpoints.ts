import {
  webhookEvents,
  type CallOutcome,
  type CallRequest,
  type listEndpoints,
  type registerEndpoint,
  type removeEndpoint,
} from '@daybook/contracts';
import { assert } from '@daybook/core';
import { uuidFrom, type Clock, type Sealer } from '@daybook/runtime';
import { newWebhookSecret } from './standard-webhooks';
import { reaches, type Endpoint } from '../domain/endpoint';
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
  const endpointId = uuidFrom(['endpoint', tenantId, mode, dialect, url, ...scope]);
  const sealedSecret = sealer.seal(newWebhookSecret(), endpointId);
  const fields = { endpointId, dialect, accountId, url, events, sealedSecret };
  const outcome = await webhooks.changeEndpoints(
    { tenantId, mode },
    { type: 'RegisterEndpoint', ...fields, at: now().toISOString() },
  );
  if (!outcome.ok) {
    assert(outcome.rejection === 'endpoints_exhausted', `registration was refused: ${outcome.rejection}`);
    return { ok: false, rejection: outcome.rejection };
  }
  const endpoint = outcome.state.registered.get(endpointId);
  assert(endpoint, 'a registered endpoint is there');
  return { ok: true, value: { endpoint: viewOf(endpoint), secret: sealer.open(endpoint.sealedSecret, endpointId) } };
}

export async function list(
  { webhooks }: EndpointDeps,
  { accountId, ...tenant }: CallRequest<typeof listEndpoints>,
): Promise<CallOutcome<typeof listEndpoints>> {
  const state = await webhooks.endpointsOf(tenant);
  const shown = [...state.values()].filter((endpoint) => reaches(accountId, endpoint.accountId));
  return { ok: true, value: { endpoints: shown.map(viewOf) } };
}

export async function remove(
  { webhooks, now }: EndpointDeps,
  { tenantId, mode, accountId, endpointId }: CallRequest<typeof removeEndpoint>,
): Promise<CallOutcome<typeof removeEndpoint>> {
  const command = { type: 'RemoveEndpoint', endpointId, accountId, at: now().toISOString() } as const;
  const outcome = await webhooks.changeEndpoints({ tenantId, mode }, command);
  return outcome.ok ? { ok: true, value: {} } : { ok: false, rejection: 'endpoint_not_found' };
}

function viewOf({ endpointId, url, events, dialect, status, createdAt }: Endpoint) {
  return { endpointId, url, events: webhookEvents.filter((e) => events.includes(e)), dialect, status, createdAt };
}
