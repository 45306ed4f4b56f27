import type { createIntent, getIntent } from '@daybook/contracts';
import type { Failure } from '@daybook/http';
import { z } from 'zod';
import type { Dialect } from '../dialect';
import type { RejectionOf } from '../rejections';

export const intentsDialect: Dialect = {
  name: 'intents',
  basePath: '/api/v1/intents',
  title: 'Payment intents.',
  schemes: ['client'],
  credentialMissing: {
    status: 401,
    code: 'AUTH_INVALID_HEADERS',
    message: 'Missing X-Client-ID or X-Client-Secret.',
  },
  credentialInvalid: { status: 403, code: 'AUTH_INVALID_SECRET', message: 'Invalid authentication credentials.' },
  limit: 'general',
  errorMediaType: 'application/json',
  errorSchema: z.strictObject({ detail: z.string(), code: z.string(), field: z.string().optional() }),
  errorBody: ({ code, message, field }) => ({ detail: message, code, ...(field === undefined ? {} : { field }) }),
};

export const methodUnsupported: Failure = {
  status: 400,
  code: 'METHOD_UNSUPPORTED',
  message: 'currency: is not supported',
  field: 'currency',
};

/** Every no of a service, as the reference documents it. */
export const intentsRejections = {
  intent_not_found: { status: 404, code: 'INTENT_NOT_FOUND', message: 'The intent_id does not exist.' },
  currency_not_available: methodUnsupported,
  idempotency_key_reused: {
    status: 409,
    code: 'IDEMPOTENCY_KEY_REUSED',
    message: 'Idempotency-Key was already used for an intent with other content.',
    field: 'Idempotency-Key',
  },
} as const satisfies Record<RejectionOf<typeof createIntent | typeof getIntent>, Failure>;
