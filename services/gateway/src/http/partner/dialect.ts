import type { createPayment, exchangeLogin, getPayment } from '@daybook/contracts';
import type { Failure } from '@daybook/http';
import { z } from 'zod';
import type { Dialect } from '../dialect';
import type { RejectionOf } from '../rejections';
import { invalidField } from '../responses';

const unauthorized: Failure = {
  status: 401,
  code: 'UNAUTHORIZED',
  message: 'A valid X-API-Key or bearer token is required.',
};

export const partnerDialect: Dialect = {
  name: 'partner',
  basePath: '/api',
  title: 'Partners: transactions, payments through providers, transfers through institutions, and Ethereum.',
  schemes: ['api_key', 'token'],
  credentialMissing: unauthorized,
  credentialInvalid: unauthorized,
  limit: 'general',
  errorMediaType: 'application/json',
  errorSchema: z.strictObject({
    success: z.literal(false),
    error: z.string(),
    code: z.string(),
    field: z.string().optional(),
  }),
  errorBody: ({ code, message, field }) => ({
    success: false,
    error: message,
    code,
    ...(field === undefined ? {} : { field }),
  }),
};

type PartnerCall = typeof exchangeLogin | typeof createPayment | typeof getPayment;

/** Every no of a service, in this dialect. The reference documents no error codes; these are ours. */
export const partnerRejections = {
  login_invalid: { status: 401, code: 'LOGIN_INVALID', message: 'The username or the password is wrong.' },
  idempotency_key_reused: {
    status: 409,
    code: 'IDEMPOTENCY_KEY_REUSED',
    message: 'Idempotency-Key was already used for a payment with other content.',
    field: 'Idempotency-Key',
  },
  gateway_not_found: {
    status: 404,
    code: 'GATEWAY_NOT_FOUND',
    message: 'gateway_id: is not a gateway of yours',
    field: 'gateway_id',
  },
  gateway_disabled: {
    status: 409,
    code: 'GATEWAY_DISABLED',
    message: 'gateway_id: the gateway is disabled',
    field: 'gateway_id',
  },
  currency_not_supported: invalidField('currency', 'is not a currency of the gateway'),
  payment_not_found: { status: 404, code: 'TRANSACTION_NOT_FOUND', message: 'There is no such transaction.' },
} as const satisfies Record<RejectionOf<PartnerCall>, Failure>;

/** The provider did not answer, so nobody knows yet whether the payment is open there. Whoever sent no key is told the one to use. */
export const providerUnavailable = (idempotencyKey: string): Failure => ({
  status: 503,
  code: 'PROVIDER_UNAVAILABLE',
  message: `The payment provider does not answer. Retry with the Idempotency-Key ${idempotencyKey}`,
  retryAfterSeconds: 2,
});

export const paymentRefused = (reason: string): Failure => ({
  status: 422,
  code: 'PAYMENT_REFUSED',
  message: `The payment provider refused the payment: ${reason}`,
});
