import { stringifyJson, type Failure } from '@daybook/http';
import type { Response } from 'express';
import type { z } from 'zod';
import type { Scheme } from '../app/presented-credential';
import type { LimitName } from './limits';
import { replayedIf } from './replayed';
import type { DialectName } from './route';

/** What is the same on every route of a dialect: where it is, who may knock, and what an error looks like. */
export type Dialect = {
  readonly name: DialectName;
  /** Unknown paths below it are answered in the dialect's shape. */
  readonly basePath: string;
  readonly title: string;
  readonly schemes: readonly Scheme[];
  /** No credential, half of one, or one of a scheme that the dialect does not take. */
  readonly credentialMissing: Failure;
  readonly credentialInvalid: Failure;
  /** Which of a credential's limits its requests count against. */
  readonly limit: LimitName;
  readonly errorSchema: z.ZodType;
  readonly errorMediaType: string;
  errorBody(failure: Failure): unknown;
};

/** The same on all dialects. */
export const edgeFailures = {
  credentialAmbiguous: {
    status: 400,
    code: 'INVALID_REQUEST',
    message: 'Present exactly one credential, once, in one scheme.',
  },
  scopeMissing: { status: 403, code: 'FORBIDDEN', message: 'The credential does not have the scope for this request.' },
  addressNotAllowed: { status: 403, code: 'FORBIDDEN', message: 'The credential may not be used from this address.' },
  routeNotFound: { status: 404, code: 'NOT_FOUND', message: 'There is no such route.' },
  methodNotAllowed: { status: 405, code: 'METHOD_NOT_ALLOWED', message: 'The route has no such method.' },
  bodyTooLarge: { status: 413, code: 'BODY_TOO_LARGE', message: 'The request body is too large.' },
  mediaTypeUnsupported: {
    status: 415,
    code: 'UNSUPPORTED_MEDIA_TYPE',
    message: 'Content-Type must be application/json.',
  },
  rateLimitExceeded: {
    status: 429,
    code: 'RATE_LIMIT_EXCEEDED',
    message: 'Rate limit exceeded; Retry-After says in how many seconds to try again.',
  },
  serverError: { status: 500, code: 'SERVER_ERROR', message: 'The server failed to handle the request.' },
  serviceUnavailable: {
    status: 503,
    code: 'SERVICE_UNAVAILABLE',
    message: 'The service is temporarily unavailable. Retry with the same identifiers.',
  },
} as const satisfies Record<string, Failure>;

export function sendFailure(dialect: Dialect, res: Response, failure: Failure): void {
  const { status, headers, contentType, body } = failureAnswer(dialect, failure);
  res.status(status).set(headers).type(contentType).send(body);
}

export function failureAnswer(dialect: Dialect, failure: Failure) {
  const headers = replayedIf(failure.replayed === true);
  if (failure.retryAfterSeconds !== undefined) headers['Retry-After'] = String(failure.retryAfterSeconds);
  if (failure.status === 401 && dialect.schemes.includes('token')) headers['WWW-Authenticate'] = 'Bearer';
  const contentType = `${dialect.errorMediaType}; charset=utf-8`;
  return { status: failure.status, headers, contentType, body: stringifyJson(dialect.errorBody(failure)) };
}
