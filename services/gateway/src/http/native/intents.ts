import { intentStatuses, listIntents } from '@daybook/contracts';
import { z } from 'zod';
import type { Services } from '../../ports';
import { cursor, limit, text } from '../fields';
import { describeIntent, describeStatus, intentShape, settledExample, statusShape } from '../intents/view';
import { accepted } from '../rejections';
import { errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections } from './dialect';

export function intentListRoutes({ services: { intents } }: { readonly services: Pick<Services, 'intents'> }): Route[] {
  return [
    route({
      dialect: 'native',
      method: 'get',
      path: '/v1/intents',
      summary: 'List payment intents',
      description: 'Newest first. Intents have the shape of the `intents` API.',
      access: ['intents'],
      request: {
        query: z.strictObject({
          limit,
          cursor: cursor.optional(),
          status: z.enum(intentStatuses).optional(),
          order_id: text(200).optional(),
        }),
      },
      responses: {
        200: {
          description: 'A page. `next_cursor` is null on the last one.',
          schema: z.strictObject({
            intents: z.array(z.strictObject({ ...intentShape, ...statusShape })),
            next_cursor: z.string().nullable(),
          }),
          example: { intents: [settledExample], next_cursor: null },
        },
        ...errorsOf(nativeDialect, [nativeRejections.cursor_invalid]),
      },
      async handle({ caller, query }) {
        const outcome = await intents(listIntents, {
          tenantId: caller.tenantId,
          mode: caller.mode,
          limit: query.limit,
          cursor: query.cursor ?? null,
          status: query.status ?? null,
          orderId: query.order_id ?? null,
        });
        const page = accepted<typeof listIntents>(outcome, nativeRejections);
        return {
          body: {
            intents: page.intents.map((intent) => ({ ...describeIntent(intent), ...describeStatus(intent) })),
            next_cursor: page.nextCursor,
          },
        };
      },
    }),
  ];
}
