import { deliveryStatuses, listDeliveries, redeliver, webhookEvents, type CallOutcome } from '@daybook/contracts';
import { z } from 'zod';
import type { Services } from '../../ports';
import { cursor, limit, pathUuid, timestampField } from '../fields';
import { accepted } from '../rejections';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections } from './dialect';

type Delivery = Extract<CallOutcome<typeof listDeliveries>, { ok: true }>['value']['deliveries'][number];
type Deps = { readonly services: Pick<Services, 'notifications'> };

export function webhookDeliveryRoutes(deps: Deps): Route[] {
  return [list(deps), sendAgain(deps)];
}

function list({ services: { notifications } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/webhook-endpoints/{id}/deliveries',
    summary: 'List deliveries',
    description: 'What was sent to an endpoint, newest first, and how it went.',
    access: ['webhooks'],
    request: {
      params: z.strictObject({ id: pathUuid }),
      query: z.strictObject({ limit, cursor: cursor.optional() }),
    },
    paramsInvalid: nativeRejections.endpoint_not_found,
    responses: {
      200: {
        description: 'A page. `next_cursor` is null on the last one.',
        schema: z.strictObject({
          deliveries: z.array(
            z.strictObject({
              id: z.uuid(),
              event: z.enum(webhookEvents),
              subject: z.string(),
              status: z.enum(deliveryStatuses),
              attempts: z.number().int(),
              last_error: z.string().nullable().meta({
                description:
                  'Why the last attempt failed, or why none is made any more. Null when it succeeded, and before it.',
              }),
              next_attempt_at: timestampField.nullable(),
              created_at: timestampField,
            }),
          ),
          next_cursor: z.string().nullable(),
        }),
        example: {
          deliveries: [
            {
              id: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
              event: 'intent.settled',
              subject: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
              status: 'delivered',
              attempts: 1,
              last_error: null,
              next_attempt_at: null,
              created_at: '2026-02-11T10:06:10.000Z',
            },
          ],
          next_cursor: null,
        },
      },
      ...errorsOf(nativeDialect, [nativeRejections.endpoint_not_found, nativeRejections.cursor_invalid]),
    },
    async handle({ caller, params, query }) {
      const outcome = await notifications(listDeliveries, {
        tenantId: caller.tenantId,
        mode: caller.mode,
        accountId: caller.walletId,
        endpointId: params.id,
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      const page = accepted<typeof listDeliveries>(outcome, nativeRejections);
      return { body: { deliveries: page.deliveries.map(describe), next_cursor: page.nextCursor } };
    },
  });
}

function describe(delivery: Delivery) {
  return {
    id: delivery.deliveryId,
    event: delivery.event,
    subject: delivery.subject,
    status: delivery.status,
    attempts: delivery.attempts,
    last_error: delivery.lastError,
    next_attempt_at: delivery.nextAttemptAt,
    created_at: delivery.createdAt,
  };
}

function sendAgain({ services: { notifications } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/webhook-deliveries/{id}/redeliver',
    summary: 'Deliver again',
    description: 'Sends a delivery again, with the same webhook id.',
    access: ['webhooks'],
    request: { params: z.strictObject({ id: pathUuid }), query: z.strictObject({}) },
    paramsInvalid: nativeRejections.delivery_not_found,
    responses: {
      202: {
        description: 'It will be sent.',
        schema: z.strictObject({ id: z.uuid() }),
        example: { id: '7c9e6679-7425-40de-944b-e07fc1f90ae7' },
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        nativeRejections.delivery_not_found,
        nativeRejections.endpoint_disabled,
      ]),
    },
    async handle({ caller, params }) {
      const { tenantId, mode, walletId: accountId } = caller;
      const outcome = await notifications(redeliver, { tenantId, mode, accountId, deliveryId: params.id });
      return { status: 202, body: { id: accepted<typeof redeliver>(outcome, nativeRejections).deliveryId } };
    },
  });
}
