import { isOperationalError } from '@daybook/core';
import type { ErrorRequestHandler, Response } from 'express';
import { z } from 'zod';
import { JsonError } from './json';

/** What went wrong, in terms that every dialect maps to its own error body. */
export type Failure = {
  readonly status: number;
  /** Upper snake case, stable. */
  readonly code: string;
  /** One sentence for the caller. Names the field when the input was wrong. */
  readonly message: string;
  readonly field?: string;
  readonly retryAfterSeconds?: number;
  /** The recorded answer to an earlier request. */
  readonly replayed?: true;
};

/** Thrown by an edge handler to answer with a failure. */
export class FailureError extends Error {
  override readonly name = 'FailureError';
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** The first problem that zod found, as a sentence that starts with the field's path. */
export function invalidInput(error: z.ZodError): Failure {
  const issue = error.issues[0];
  const keys = issue?.code === 'unrecognized_keys' ? issue.keys : [];
  const field = [...(issue?.path ?? []), ...keys.slice(0, 1)].join('.');
  const said = keys.length > 0 ? 'is not a known field' : (issue?.message ?? 'is invalid');
  return {
    status: 400,
    code: 'INVALID_REQUEST',
    message: field === '' ? said : `${field}: ${said}`,
    ...(field === '' ? {} : { field }),
  };
}

/**
 * What zod says by itself is for programmers. Passed to `parse`, this says it to the caller; a schema's own message wins.
 * Undefined leaves it to zod.
 */
export const describeIssue: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      if ((issue.path ?? []).length === 0) return 'the body must be a JSON object';
      return issue.input === undefined ? 'is required' : `must be ${typeNames[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return issue.input === undefined ? 'is required' : `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.minimum === 1 ? 'must not be empty' : `must have at least ${issue.minimum} ${unitOf(issue.origin)}`;
    case 'too_big':
      return `must have at most ${issue.maximum} ${unitOf(issue.origin)}`;
    case 'invalid_key':
      return issue.issues[0]?.message;
    default:
      return undefined;
  }
};

const typeNames: Readonly<Record<string, string>> = { string: 'a string', array: 'a list', object: 'an object' };

function unitOf(origin: string): string {
  return origin === 'string' ? 'characters' : 'entries';
}

/** Turns anything thrown into a failure that is safe to show. `unexpected` says whether it is the program's fault. */
export function failureOf(error: unknown): Failure & { readonly unexpected: boolean } {
  if (error instanceof FailureError) return { ...error.failure, unexpected: false };
  if (error instanceof z.ZodError) return { ...invalidInput(error), unexpected: false };
  if (error instanceof JsonError)
    return { status: 400, code: 'INVALID_REQUEST', message: error.message, unexpected: false };
  if (isOperationalError(error)) {
    return {
      status: 503,
      code: 'SERVICE_UNAVAILABLE',
      message: 'The service is temporarily unavailable. Retry with the same identifiers.',
      retryAfterSeconds: 1,
      unexpected: false,
    };
  }
  const status = clientStatusOf(error);
  if (status === 413)
    return { status, code: 'BODY_TOO_LARGE', message: 'The request body is too large.', unexpected: false };
  if (status !== undefined)
    return { status, code: 'INVALID_REQUEST', message: 'The request could not be read.', unexpected: false };
  return { status: 500, code: 'SERVER_ERROR', message: 'The server failed to handle the request.', unexpected: true };
}

/** Express and its body readers mark errors that the client caused with a 4xx `status`. */
function clientStatusOf(error: unknown): number | undefined {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}

export function sendProblem(res: Response, failure: Failure): void {
  if (failure.retryAfterSeconds !== undefined) res.set('Retry-After', String(failure.retryAfterSeconds));
  const { status, code, message, field } = failure;
  res.status(status).type('application/problem+json');
  res.send(
    JSON.stringify({
      type: `/problems/${code.toLowerCase().replaceAll('_', '-')}`,
      title: message,
      status,
      code,
      ...(field === undefined ? {} : { field }),
    }),
  );
}

/** The last middleware: logs what is the program's fault, answers in the shape that `send` writes. */
export function errorHandler(
  log: (error: unknown, res: Response) => void,
  send: (res: Response, failure: Failure) => void,
): ErrorRequestHandler {
  return (error: unknown, _req, res, next) => {
    if (res.headersSent) return next(error);
    const failure = failureOf(error);
    // An operational failure is answered as 503, but its cause is for the log.
    if (failure.status >= 500) log(error, res);
    send(res, failure);
  };
}
