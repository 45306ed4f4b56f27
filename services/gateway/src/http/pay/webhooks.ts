import { registerEndpoint } from '@daybook/contracts';
import { z } from 'zod';
import type { Services } from '../../ports';
import { accepted } from '../rejections';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { payDialect, payRejections } from './dialect';
import { walletOf } from './wallet';

const transferEvents = ['transfer.processing', 'transfer.confirmed', 'transfer.failed', 'transfer.reversed'] as const;

export function webhookRoutes({
  services: { notifications },
}: {
  readonly services: Pick<Services, 'notifications'>;
}): Route[] {
  return [
    route({
      dialect: 'pay',
      method: 'post',
      path: '/pay/v1/webhook/register',
      summary: 'Register a webhook',
      description:
        "Tells `url` of one event of the token's wallet. Registering another event for the same URL adds it; the " +
        'secret, which signs the deliveries as Standard Webhooks describes, stays the same. A wallet may have 20. ' +
        'Payer and payee of a transfer are told in a body and under a `webhook-id` of their own.',
      access: ['pay'],
      request: {
        query: z.strictObject({}),
        body: z.strictObject({ url: z.string().min(1).max(2_048), event: z.enum(transferEvents) }),
        bodyExample: { url: 'https://merchant.com/webhook', event: 'transfer.confirmed' },
      },
      responses: {
        200: {
          description: 'Registered.',
          schema: z.strictObject({
            id: z.uuid(),
            url: z.string(),
            event: z.enum(transferEvents),
            secret: z.string().meta({ description: 'Signs the deliveries; keep it.' }),
          }),
          example: {
            id: '0f8fad5b-d9cb-469f-a165-70867728950e',
            url: 'https://merchant.com/webhook',
            event: 'transfer.confirmed',
            secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
          },
        },
        ...errorsOf(payDialect, [
          ...bodyFailures,
          payRejections.url_invalid,
          payRejections.url_not_public,
          payRejections.endpoints_exhausted,
        ]),
      },
      async handle({ caller, body }) {
        const outcome = await notifications(registerEndpoint, {
          tenantId: caller.tenantId,
          mode: caller.mode,
          dialect: 'pay',
          accountId: walletOf(caller),
          url: body.url,
          events: [body.event],
        });
        const { endpoint, secret } = accepted<typeof registerEndpoint>(outcome, payRejections);
        return { body: { id: endpoint.endpointId, url: endpoint.url, event: body.event, secret } };
      },
    }),
  ];
}
