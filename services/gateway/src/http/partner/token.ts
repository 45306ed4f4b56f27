import { exchangeLogin } from '@daybook/contracts';
import { z } from 'zod';
import type { Services } from '../../ports';
import { signInBytesMax } from '../body-room';
import { accepted } from '../rejections';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { partnerDialect, partnerRejections } from './dialect';

export function tokenRoutes({ services: { identity } }: { readonly services: Pick<Services, 'identity'> }): Route[] {
  return [
    route({
      dialect: 'partner',
      method: 'post',
      path: '/api/token',
      summary: 'Obtain an access token',
      description: 'Exchanges a username and its password for a bearer token that is good for an hour.',
      access: 'public',
      bodyBytesMax: signInBytesMax,
      request: {
        query: z.strictObject({}),
        body: z.strictObject({ username: z.string().min(1).max(254), password: z.string().min(1).max(1_024) }),
        bodyExample: { username: 'your_api_username', password: 'your_api_password' },
      },
      responses: {
        200: {
          description: 'The token.',
          schema: z.strictObject({
            access_token: z.string(),
            user_id: z
              .number()
              .int()
              .nullable()
              .meta({ description: 'Null for a user from before users had numbers.' }),
            username: z.string(),
          }),
          example: { access_token: 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln', user_id: 123, username: 'your_api_username' },
        },
        ...errorsOf(partnerDialect, [...bodyFailures, partnerRejections.login_invalid]),
      },
      async handle({ body }) {
        const outcome = await identity(exchangeLogin, { login: body.username, password: body.password });
        const { token, userNumber } = accepted<typeof exchangeLogin>(outcome, partnerRejections);
        return { body: { access_token: token, user_id: userNumber, username: body.username } };
      },
    }),
  ];
}
