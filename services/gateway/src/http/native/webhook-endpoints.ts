import {
  listEndpoints,
  registerEndpoint,
  removeEndpoint,
  rotateSecret,
  webhookDialects,
  webhookEvents,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { FailureError } from '@daybook/http';
import { codeFrom } from '@daybook/runtime';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import type { Services } from '../../ports';
import { edgeFailures } from '../dialect';
import { overlapHours, pathUuid, timestampField } from '../fields';
import { accepted } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections } from './dialect';
import { keyHeader, keyInvalid } from './ledger-fields';

type Deps = { readonly services: Pick<Services, 'notifications'> };
type Endpoint = Extract<CallOutcome<typeof listEndpoints>, { ok: true }>['value']['endpoints'][number];

const endpointShape = {
  id: z.uuid(),
  url: z.string(),
  events: z.array(z.enum(webhookEvents)),
  status: z.enum(['enabled', 'disabled']),
  created_at: timestampField,
  previous_secret_until: timestampField.nullable().meta({
    description: 'The last of the earlier secrets signs until then. Null when only the present one does.',
  }),
};
const example = {
  id: '0f8fad5b-d9cb-469f-a165-70867728950e',
  url: 'https://merchant.com/webhook',
  events: ['intent.settled'],
  status: 'enabled',
  created_at: '2026-02-11T10:00:00.000Z',
  previous_secret_until: null,
};
const eventsMixed = invalidField('events', 'must be all intent.*, all transfer.* or all transaction.*');

type Registration = CallRequest<typeof registerEndpoint>;

/** By what the events are about. */
const dialects = {
  intent: 'intents',
  transfer: 'pay',
  transaction: 'partner',
} as const satisfies Record<string, Registration['dialect']>;
type About = keyof typeof dialects;

/** The dialect that all of the events are of; fails for a mixture. */
function dialectOf(events: Registration['events']): Registration['dialect'] {
  const [first, ...others] = new Set(events.map((event) => dialects[event.split('.')[0] as About]));
  if (first === undefined || others.length > 0) throw new FailureError(eventsMixed);
  return first;
}

/**
 * Who may not read intents or transactions may not be told of them. Both are the tenant's, so that a credential of one
 * wallet is told of its transfers only.
 */
function mayBeTold({ walletId, scopes }: Credential, dialect: Registration['dialect']): boolean {
  return dialect === 'pay' || (walletId === null && scopes.includes(dialect));
}

function describe(endpoint: Endpoint) {
  return {
    id: endpoint.endpointId,
    url: endpoint.url,
    events: endpoint.events,
    status: endpoint.status,
    created_at: endpoint.createdAt,
    previous_secret_until: endpoint.previousSecretUntil,
  };
}

export function webhookEndpointRoutes(deps: Deps): Route[] {
  return [register(deps), list(deps), rotate(deps), remove(deps)];
}

function register({ services: { notifications } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/webhook-endpoints',
    summary: 'Register a webhook endpoint',
    description:
      'Transfer events, intent events with the scope `intents`, or transaction events with the scope `partner`, of the ' +
      'whole tenant. A credential that acts for one wallet registers transfer events of that wallet, and no others. ' +
      'Registering the same URL again adds events; the secret stays. A tenant may have 20 endpoints, as may each wallet. ' +
      '`intent.<status>` is told when an intent comes to the status: `intent.settled`, for one, once. ' +
      '`intent.updated` is any other change of what the body shows, such as a deposit for a settled intent, and may be ' +
      'of a deposit that is not final. `intent.pending` is told when a chain took back what was seen, not at creation. ' +
      '`transaction.<status>` is told whenever what the body shows has changed, so it may come again in the same status: ' +
      '`transaction.completed`, for one, when a part of a payment was refunded.',
    access: ['webhooks'],
    request: {
      query: z.strictObject({}),
      body: z.strictObject({
        url: z.string().min(1).max(2_048),
        events: z.array(z.enum(webhookEvents)).min(1).max(webhookEvents.length),
      }),
      bodyExample: { url: 'https://merchant.com/webhook', events: ['intent.settled'] },
    },
    responses: {
      201: {
        description: 'Registered. The secret signs the deliveries as Standard Webhooks describes.',
        schema: z.strictObject({ ...endpointShape, secret: z.string() }),
        example: { ...example, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        eventsMixed,
        nativeRejections.url_invalid,
        nativeRejections.url_not_public,
        nativeRejections.endpoints_exhausted,
      ]),
    },
    async handle({ caller, body }) {
      const dialect = dialectOf(body.events);
      if (!mayBeTold(caller, dialect)) throw new FailureError(edgeFailures.scopeMissing);
      const outcome = await notifications(registerEndpoint, {
        tenantId: caller.tenantId,
        mode: caller.mode,
        dialect,
        accountId: caller.walletId,
        url: body.url,
        events: [...new Set(body.events)],
      });
      const { endpoint, secret } = accepted<typeof registerEndpoint>(outcome, nativeRejections);
      return { status: 201, body: { ...describe(endpoint), secret } };
    },
  });
}

function list({ services: { notifications } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/webhook-endpoints',
    summary: 'List webhook endpoints',
    description: 'All of the tenant, or those of the wallet that the credential acts for, without their secrets.',
    access: ['webhooks'],
    request: { query: z.strictObject({}) },
    responses: {
      200: {
        description: 'The endpoints.',
        schema: z.strictObject({ endpoints: z.array(z.strictObject(endpointShape)) }),
        example: { endpoints: [example] },
      },
      ...errorsOf(nativeDialect),
    },
    async handle({ caller }) {
      const { tenantId, mode, walletId: accountId } = caller;
      const outcome = await notifications(listEndpoints, { tenantId, mode, accountId });
      const { endpoints } = accepted<typeof listEndpoints>(outcome, nativeRejections);
      return { body: { endpoints: endpoints.map(describe) } };
    },
  });
}

const overlap = overlapHours('How long the secret that is replaced signs too. With 0 it does not any more.');

/** What the rotation itself decided, so that a repeat is answered the same. */
const rotatedUntil = timestampField.nullable().meta({
  description: 'The secret before this one signs too until then. Null when it does not any more.',
});

function rotate({ services: { notifications } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/webhook-endpoints/{id}/rotate-secret',
    summary: 'Rotate the secret of a webhook endpoint',
    description:
      'Makes a new secret. For `overlap_hours` the one before it signs too: `webhook-signature` holds several signatures ' +
      'with a space between them, that of the newest secret first, and one that is right is enough. A repeat with the ' +
      'same `Idempotency-Key` gets the same secret, until the next rotation. Up to three earlier secrets sign beside the ' +
      'present one. Deliveries of the first half second may be signed by those only.',
    access: ['webhooks'],
    request: {
      params: z.strictObject({ id: pathUuid }),
      query: z.strictObject({}),
      headers: keyHeader,
      body: z.strictObject({ overlap_hours: overlap }),
      bodyExample: { overlap_hours: 24 },
    },
    paramsInvalid: nativeRejections.endpoint_not_found,
    responses: {
      200: {
        description: 'Rotated, or rotated before with the same key. No list shows the secret.',
        schema: z.strictObject({ ...endpointShape, secret: z.string(), previous_secret_until: rotatedUntil }),
        example: {
          ...example,
          secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
          previous_secret_until: '2026-02-12T10:00:00.000Z',
        },
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        keyInvalid,
        nativeRejections.endpoint_not_found,
        nativeRejections.rotation_exists_with_different_fields,
        nativeRejections.rotation_superseded,
        nativeRejections.secrets_exhausted,
      ]),
    },
    async handle({ caller, params, headers, body }) {
      const { tenantId, mode, walletId: accountId } = caller;
      const key = [tenantId, accountId ?? '', 'webhooks.rotate-secret', params.id, headers['Idempotency-Key']];
      const outcome = await notifications(rotateSecret, {
        tenantId,
        mode,
        accountId,
        endpointId: params.id,
        dialects: webhookDialects.filter((dialect) => mayBeTold(caller, dialect)),
        rotationId: codeFrom('RS', key),
        overlapHours: body.overlap_hours,
      });
      const { endpoint, secret, previousUntil, replayed } = accepted<typeof rotateSecret>(outcome, nativeRejections);
      const shown = { ...describe(endpoint), secret, previous_secret_until: previousUntil };
      return { headers: replayedIf(replayed), body: shown };
    },
  });
}

function remove({ services: { notifications } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'delete',
    path: '/v1/webhook-endpoints/{id}',
    summary: 'Remove a webhook endpoint',
    description: 'Nothing more is delivered to it. Removing it again soon after gives the same answer.',
    access: ['webhooks'],
    request: { params: z.strictObject({ id: pathUuid }), query: z.strictObject({}) },
    paramsInvalid: nativeRejections.endpoint_not_found,
    responses: {
      204: { description: 'Removed, or removed before.' },
      ...errorsOf(nativeDialect, [...bodyFailures, nativeRejections.endpoint_not_found]),
    },
    async handle({ caller, params }) {
      const { tenantId, mode, walletId: accountId } = caller;
      const outcome = await notifications(removeEndpoint, { tenantId, mode, accountId, endpointId: params.id });
      accepted<typeof removeEndpoint>(outcome, nativeRejections);
      return { status: 204 };
    },
  });
}
