import { credentialKinds, exchangeLogin, mode, scopes } from '@daybook/contracts';
import { z } from 'zod';
import type { Services } from '../../ports';
import { signInBytesMax } from '../body-room';
import { timestampField } from '../fields';
import { accepted } from '../rejections';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections } from './dialect';

export function sessionRoutes({ services: { identity } }: { readonly services: Pick<Services, 'identity'> }): Route[] {
  return [
    route({
      dialect: 'native',
      method: 'post',
      path: '/v1/tokens',
      summary: 'Sign in',
      description: 'Exchanges a login and its password for a short-lived bearer token.',
      access: 'public',
      bodyBytesMax: signInBytesMax,
      request: {
        query: z.strictObject({}),
        body: z.strictObject({ login: z.string().min(1).max(254), password: z.string().min(1).max(1_024) }),
        bodyExample: { login: 'partner@demo.example', password: 'correct horse battery staple' },
      },
      responses: {
        200: {
          description: 'Signed in.',
          schema: z.strictObject({ token: z.string(), token_type: z.literal('Bearer'), expires_at: timestampField }),
          example: {
            token: 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln',
            token_type: 'Bearer',
            expires_at: '2026-02-11T11:00:00.000Z',
          },
        },
        ...errorsOf(nativeDialect, [...bodyFailures, nativeRejections.login_invalid]),
      },
      async handle({ body }) {
        const outcome = await identity(exchangeLogin, body);
        const { token, expiresAt } = accepted<typeof exchangeLogin>(outcome, nativeRejections);
        return { body: { token, token_type: 'Bearer', expires_at: expiresAt } };
      },
    }),
    whoAmI(),
  ];
}

function whoAmI(): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/credential',
    summary: 'Who am I',
    description: 'The credential that the request was made with.',
    access: 'any credential',
    request: { query: z.strictObject({}) },
    responses: {
      200: {
        description: 'The credential.',
        schema: z.strictObject({
          credential_id: z.string(),
          tenant_id: z.uuid(),
          kind: z.enum(credentialKinds),
          mode,
          scopes: z.array(z.enum(scopes)),
          wallet_id: z.string().nullable(),
          ip_allow_list: z.array(z.string()),
        }),
        example: {
          credential_id: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
          tenant_id: '6fa459ea-ee8a-4ca4-894e-db77e160355e',
          kind: 'token',
          mode: 'sandbox',
          scopes: ['pay', 'webhooks'],
          wallet_id: 'WALLET123',
          ip_allow_list: [],
        },
      },
      ...errorsOf(nativeDialect),
    },
    async handle({ caller }) {
      return {
        body: {
          credential_id: caller.credentialId,
          tenant_id: caller.tenantId,
          kind: caller.kind,
          mode: caller.mode,
          scopes: caller.scopes,
          wallet_id: caller.walletId,
          ip_allow_list: caller.ipAllowList,
        },
      };
    },
  });
}
