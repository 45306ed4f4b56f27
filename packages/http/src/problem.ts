import { isOperationalError } from '@daybook/core';
import type { Logger } from '@daybook/runtime';
import type { ErrorRequestHandler, Response } from 'express';
import { isLosslessNumber } from 'lossless-json';
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
  constructor(
    readonly failure: Failure,
    options?: { readonly cause: unknown },
  ) {
    super(failure.message, options);
  }
}

/** What `parseJson` has read, by its schema. Throws the failure that says what is wrong with it. */
export function readInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input, { error: describeIssue });
  if (parsed.success) return parsed.data;
  throw new FailureError(numberAsObject(parsed.error, input) ?? invalidInput(parsed.error));
}

/** The first problem that zod found, as a sentence that starts with the field's path. */
export function invalidInput(error: z.ZodError): Failure {
  const issue = error.issues[0];
  const keys = issue?.code === 'unrecognized_keys' ? issue.keys : [];
  const said = keys.length > 0 ? 'is not a known field' : (issue?.message ?? 'is invalid');
  return invalidAt([...(issue?.path ?? []), ...keys.slice(0, 1)], said);
}

function invalidAt(path: readonly PropertyKey[], said: string): Failure {
  const field = path.join('.');
  return {
    status: 400,
    code: 'INVALID_REQUEST',
    message: field === '' ? said : `${field}: ${said}`,
    ...(field === '' ? {} : { field }),
  };
}

/** A number is an object here, one that keeps its token: to zod it lacks fields, and has others. */
function numberAsObject(error: z.ZodError, input: unknown): Failure | undefined {
  const issue = error.issues[0];
  const path = issue?.path ?? [];
  const objects = issue?.code === 'unrecognized_keys' ? path.length : path.length - 1;
  let at = input;
  for (let depth = 0; depth <= objects; depth++) {
    if (isLosslessNumber(at)) return invalidAt(path.slice(0, depth), depth === 0 ? notAnObject : 'must be an object');
    at = (at as Record<PropertyKey, unknown> | null | undefined)?.[path[depth] ?? ''];
  }
  return undefined;
}

const notAnObject = 'the body must be a JSON object';

/**
 * What zod says by itself is for programmers. Passed to `parse`, this says it to the caller; a schema's own message wins.
 * Undefined leaves it to zod.
 */
export const describeIssue: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      if ((issue.path ?? []).length === 0) return notAnObject;
      return issue.input === undefined ? 'is required' : mustBe(issue);
    case 'invalid_value':
      return issue.input === undefined ? 'is required' : `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.minimum === 1 ? 'must not be empty' : `must have at least ${issue.minimum} ${unitOf(issue.origin)}`;
    case 'too_big':
      return `must have at most ${issue.maximum} ${unitOf(issue.origin)}`;
    case 'invalid_format':
      return formatNames[issue.format];
    case 'invalid_union':
      return unionMessage(issue);
    case 'invalid_key':
      return issue.issues[0]?.message;
    default:
      return undefined;
  }
};

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  boolean: 'true or false',
};

function mustBe({ expected }: { readonly expected: string }): string {
  return `must be ${typeNames[expected] ?? expected}`;
}

/** What a pattern means is for its schema to say; the pattern itself is for programmers. */
const formatNames: Readonly<Record<string, string>> = { regex: 'does not have the right form', uuid: 'must be a UUID' };

/** What each of the choices would have it be. */
function unionMessage({ input, errors, options }: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>): string {
  if (input === undefined) return 'is required';
  if (Array.isArray(options)) return `must be one of ${options.map(String).join(', ')}`;
  const said = errors.flatMap(([first]) => (first === undefined ? [] : [choiceMessage(first)]));
  return said.length === 0 ? 'is invalid' : [...new Set(said)].join(', or ');
}

/** Its path begins at the choice, so that the choice itself looks like a whole body. */
function choiceMessage(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_type' && issue.path.length === 0 ? mustBe(issue) : issue.message;
}

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
  // Of what the readers of bodies refuse, only an encoding that they cannot undo.
  if (status === 415)
    return { status, code: 'UNSUPPORTED_MEDIA_TYPE', message: encodingUnsupported, unexpected: false };
  if (status !== undefined)
    return { status, code: 'INVALID_REQUEST', message: 'The request could not be read.', unexpected: false };
  return { status: 500, code: 'SERVER_ERROR', message: 'The server failed to handle the request.', unexpected: true };
}

const encodingUnsupported = 'Content-Encoding must be gzip, deflate or br, or none at all.';

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

/** What is behind a failure, where it says so. */
export function faultOf(error: unknown): unknown {
  return error instanceof FailureError ? (error.cause ?? error) : error;
}

/** Of what is answered with 500 and above. What passes by itself is no fault of the program, and is warned of. */
export function logFailure(
  logger: Logger,
  line: { readonly error: unknown; readonly correlationId: string; readonly call?: string },
): void {
  const error = faultOf(line.error);
  const passes = isOperationalError(error) && error.retryable;
  logger[passes ? 'warn' : 'error']({ ...line, error }, 'request failed');
}

/** The last middleware: logs what is answered with 500 and above, answers in the shape that `send` writes. */
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
