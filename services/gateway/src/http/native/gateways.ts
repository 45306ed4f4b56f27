/** Payment gateways of a tenant: which providers it takes payments through. Secrets go in and never come out. */
import {
  addGateway,
  listGateways,
  paymentCurrencies,
  paymentProviders,
  providerSettings,
  receiveProviderWebhook,
  replaceGatewaySettings,
  setGatewayEnabled,
  type CallOutcome,
  type gatewayView,
} from '@daybook/contracts';
import { codeFrom } from '@daybook/runtime';
import { z } from 'zod';
import type { Services } from '../../ports';
import { overlapHours, pathUuid, text, timestampField } from '../fields';
import { accepted } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections } from './dialect';
import { keyHeader, keyInvalid } from './ledger-fields';

type Deps = { readonly services: Pick<Services, 'intents'> };

export function gatewayRoutes(deps: Deps): Route[] {
  const enabling = [enable(deps, true), enable(deps, false)];
  return [add(deps), list(deps), ...enabling, replaceSettings(deps), webhook(deps)];
}

const shape = {
  gateway_id: z.number().int(),
  name: z.string(),
  provider: z.enum(paymentProviders),
  currencies: z.array(z.enum(paymentCurrencies)),
  enabled: z.boolean(),
  webhook_path: z.string().meta({ description: 'Where the provider is to send its webhooks.' }),
  created_at: timestampField,
  previous_secret_until: timestampField.nullable().meta({
    description: 'The last of the earlier webhook secrets is accepted until then. Null when only the present one is.',
  }),
};

const params = z.strictObject({ gateway_id: z.string().regex(/^[1-9]\d{0,8}$/) });

const example = {
  gateway_id: 3,
  name: 'Cards',
  provider: 'stripe',
  currencies: ['USD', 'EUR'],
  enabled: true,
  webhook_path: '/v1/providers/0190f5a4-7c1e-7b3a-8d2f-4e5a6b7c8d9e/webhooks',
  created_at: '2026-02-11T10:00:00.000Z',
  previous_secret_until: null,
};

function describe(gateway: z.output<typeof gatewayView>) {
  return {
    gateway_id: gateway.number,
    name: gateway.name,
    provider: gateway.provider,
    currencies: gateway.currencies,
    enabled: gateway.enabled,
    webhook_path: `/v1/providers/${gateway.gatewayId}/webhooks`,
    created_at: gateway.createdAt,
    previous_secret_until: gateway.previousSecretUntil,
  };
}

function add({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/admin/gateways',
    summary: 'Add a payment gateway',
    description:
      'Configures a payment provider under a name. A repeat with the same content answers the gateway that is there. The ' +
      '`sandbox` provider needs no account and plays the part of another.',
    access: ['admin'],
    request: {
      query: z.strictObject({}),
      body: z.strictObject({
        name: text(100),
        currencies: z.array(z.enum(paymentCurrencies)).min(1),
        settings: providerSettings,
      }),
      bodyExample: {
        name: 'Cards',
        currencies: ['USD', 'EUR'],
        settings: { provider: 'stripe', secretKey: 'sk_live_…', webhookSecret: 'whsec_…' },
      },
    },
    responses: {
      200: { description: 'The gateway.', schema: z.strictObject(shape), example },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        nativeRejections.provider_not_in_mode,
        nativeRejections.gateway_exists_with_different_fields,
        nativeRejections.gateways_too_many,
      ]),
    },
    async handle({ caller: { tenantId, mode }, body }) {
      const outcome = await intents(addGateway, { tenantId, mode, ...body });
      return { body: describe(accepted<typeof addGateway>(outcome, nativeRejections).gateway) };
    },
  });
}

function list({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/admin/gateways',
    summary: 'List payment gateways',
    description: 'All of them, in the order of their numbers.',
    access: ['admin'],
    request: { query: z.strictObject({}) },
    responses: {
      200: {
        description: 'The gateways.',
        schema: z.strictObject({ gateways: z.array(z.strictObject(shape)) }),
        example: { gateways: [example] },
      },
      ...errorsOf(nativeDialect),
    },
    async handle({ caller: { tenantId, mode } }) {
      const outcome = await intents(listGateways, { tenantId, mode });
      return { body: { gateways: accepted<typeof listGateways>(outcome, {}).gateways.map(describe) } };
    },
  });
}

function enable({ services: { intents } }: Deps, enabled: boolean): Route {
  const verb = enabled ? 'enable' : 'disable';
  return route({
    dialect: 'native',
    method: 'post',
    path: `/v1/admin/gateways/{gateway_id}/${verb}`,
    summary: enabled ? 'Enable a payment gateway' : 'Disable a payment gateway',
    description: enabled ? 'It takes new payments again.' : 'It takes no new payments; those that are open go on.',
    access: ['admin'],
    request: { params, query: z.strictObject({}) },
    paramsInvalid: nativeRejections.gateway_not_found,
    responses: {
      200: { description: 'The gateway.', schema: z.strictObject(shape), example: { ...example, enabled } },
      ...errorsOf(nativeDialect, [...bodyFailures, nativeRejections.gateway_not_found]),
    },
    async handle({ caller: { tenantId, mode }, params }) {
      const outcome = await intents(setGatewayEnabled, {
        tenantId,
        mode,
        number: parseInt(params.gateway_id, 10),
        enabled,
      });
      return { body: describe(accepted<typeof setGatewayEnabled>(outcome, nativeRejections).gateway) };
    },
  });
}

const overlap = overlapHours(
  'How long notices that are signed with the webhook secret that is replaced are accepted too, such as those on their way. ' +
    'With 0, for one that leaked, no earlier one is accepted any more. Of three at most, each replacement takes one, also when ' +
    'the webhook secret stays the same.',
);

/** What the replacement itself decided, so that a repeat is answered the same. */
const replacedUntil = timestampField.nullable().meta({
  description: 'The webhook secret before this one is accepted until then. Null when it is not any more.',
});

function replaceSettings({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/admin/gateways/{gateway_id}/replace-settings',
    summary: 'Replace the settings of a payment gateway',
    description:
      'For a key or a webhook secret that was rolled, or leaked. All settings are replaced; the number, the name and the ' +
      'provider stay. The settings have to be of the same account at the provider: payments that are open are asked about ' +
      'with them from now on. A repeat with the same `Idempotency-Key` gets the same answer. Up to three earlier webhook ' +
      'secrets are accepted beside the present one.',
    access: ['admin'],
    request: {
      params,
      query: z.strictObject({}),
      headers: keyHeader,
      body: z.strictObject({ settings: providerSettings, overlap_hours: overlap }),
      bodyExample: {
        settings: { provider: 'stripe', secretKey: 'sk_live_…', webhookSecret: 'whsec_…' },
        overlap_hours: 24,
      },
    },
    paramsInvalid: nativeRejections.gateway_not_found,
    responses: {
      200: {
        description: 'Replaced, or replaced before with the same key.',
        schema: z.strictObject({ ...shape, previous_secret_until: replacedUntil }),
        example: { ...example, previous_secret_until: '2026-02-12T10:00:00.000Z' },
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        keyInvalid,
        nativeRejections.gateway_not_found,
        nativeRejections.provider_not_in_mode,
        nativeRejections.provider_differs,
        nativeRejections.replacement_exists_with_different_fields,
        nativeRejections.earlier_secrets_exhausted,
      ]),
    },
    async handle({ caller: { tenantId, mode }, params: { gateway_id: id }, headers, body }) {
      const key = [tenantId, 'gateways.replace-settings', id, headers['Idempotency-Key']];
      const outcome = await intents(replaceGatewaySettings, {
        tenantId,
        mode,
        number: parseInt(id, 10),
        settings: body.settings,
        replacementId: codeFrom('RS', key),
        overlapHours: body.overlap_hours,
      });
      const { gateway, previousUntil, replayed } = accepted<typeof replaceGatewaySettings>(outcome, nativeRejections);
      return { headers: replayedIf(replayed), body: { ...describe(gateway), previous_secret_until: previousUntil } };
    },
  });
}

/** What providers sign with. No other header goes further. */
const signatureHeaders = [
  'stripe-signature',
  'x-cc-webhook-signature',
  'paypal-auth-algo',
  'paypal-cert-url',
  'paypal-transmission-id',
  'paypal-transmission-sig',
  'paypal-transmission-time',
];

/**
 * Largest body of a notice, in bytes. Well below half of what a call takes: it is passed on as text within JSON, where a
 * quote or a line's end takes two bytes instead of one.
 */
const noticeBytesMax = 262_144;

function webhook({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/providers/{gateway_id}/webhooks',
    summary: 'Webhook of a payment provider',
    description:
      'For providers, not for clients. A notice with a right signature makes us read the payment from the provider; ' +
      'its content is not believed.',
    access: 'public',
    noticesOf: 'gateway_id',
    bodyBytesMax: noticeBytesMax,
    request: {
      params: z.strictObject({ gateway_id: pathUuid }),
      query: z.strictObject({}),
      body: z.looseObject({}),
      bodyExample: { id: 'evt_1234567890', type: 'payment_intent.succeeded' },
    },
    paramsInvalid: nativeRejections.gateway_not_found,
    responses: {
      204: { description: 'Taken note of.' },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        nativeRejections.gateway_not_found,
        nativeRejections.signature_invalid,
      ]),
    },
    async handle({ params, raw }) {
      const headers = signatureHeaders.flatMap((name) => {
        const value = raw.header(name);
        return value === undefined ? [] : [[name, value] as const];
      });
      const outcome: CallOutcome<typeof receiveProviderWebhook> = await intents(receiveProviderWebhook, {
        gatewayId: params.gateway_id,
        headers: Object.fromEntries(headers),
        body: raw.body,
      });
      accepted<typeof receiveProviderWebhook>(outcome, nativeRejections);
      return { status: 204 };
    },
  });
}
