import { OperationalError } from '@daybook/core';
import { z } from 'zod';
import { JsonError, jsonInteger, jsonNumber, numberToken, parseJson } from './json';
import { describeIssue, FailureError, failureOf, invalidInput, readInput } from './problem';

const problemOf = (schema: z.ZodType, value: unknown) => invalidInput(schema.safeParse(value).error!);

describe('invalidInput', () => {
  const schema = z.strictObject({ amount: z.string(), lines: z.array(z.strictObject({ id: z.string() })).optional() });

  test('names the field, also inside a list', () => {
    expect(problemOf(schema, {})).toMatchObject({ status: 400, code: 'INVALID_REQUEST', field: 'amount' });
    expect(problemOf(schema, { amount: '1', lines: [{ id: 7 }] })).toMatchObject({ field: 'lines.0.id' });
  });

  test('names a field that it does not know', () => {
    expect(problemOf(schema, { amount: '1', status: 'paid' })).toEqual({
      status: 400,
      code: 'INVALID_REQUEST',
      message: 'status: is not a known field',
      field: 'status',
    });
  });

  test('has no field when the whole body is wrong', () => {
    expect(problemOf(schema, [])).not.toHaveProperty('field');
  });
});

describe('describeIssue', () => {
  const schema = z.strictObject({
    name: z.string().min(1).max(5),
    kind: z.enum(['a', 'b']),
    lines: z.array(z.string()).min(1).max(2),
    key: z.string().regex(/^x$/, 'must be x'),
    names: z.record(z.string().regex(/^n$/, 'is not n'), z.string()).optional(),
    count: jsonInteger,
    either: z.union([z.string().max(2), numberToken(3)]).optional(),
    codes: z.record(z.string().regex(/^c$/), z.string()).optional(),
    code: z
      .string()
      .regex(/^[a-z]{2}$/)
      .optional(),
    uuid: z.uuid().optional(),
    isOn: z.boolean().optional(),
    bank: z.discriminatedUnion('is', [z.object({ is: z.literal('a') }), z.object({ is: z.literal('b') })]).optional(),
  });
  const right = { name: 'n', kind: 'a', lines: ['l'], key: 'x', count: jsonNumber('1') };
  const messageOf = (value: unknown) => invalidInput(schema.safeParse(value, { error: describeIssue }).error!).message;

  test.each([
    [{ name: undefined }, 'name: is required'],
    [{ names: { m: '1' } }, 'names.m: is not n'],
    [{ name: jsonNumber('7') }, 'name: must be a string'],
    [{ name: '' }, 'name: must not be empty'],
    [{ name: 'longer' }, 'name: must have at most 5 characters'],
    [{ kind: undefined }, 'kind: is required'],
    [{ kind: 'c' }, 'kind: must be one of a, b'],
    [{ lines: 'l' }, 'lines: must be a list'],
    [{ lines: [] }, 'lines: must not be empty'],
    [{ lines: ['l', 'l', 'l'] }, 'lines: must have at most 2 entries'],
    [{ key: 'y' }, 'key: must be x'],
    [{ count: undefined }, 'count: is required'],
    [{ count: '1' }, 'count: must be a whole number'],
    [{ names: [] }, 'names: must be an object'],
    [{ either: true }, 'either: must be a string, or must be a number of at most 3 characters'],
    [{ codes: { d: '1' } }, 'codes.d: does not have the right form'],
    [{ code: 'A' }, 'code: does not have the right form'],
    [{ uuid: 'A' }, 'uuid: must be a UUID'],
    [{ isOn: 'yes' }, 'isOn: must be true or false'],
    [{ bank: { is: 'c' } }, 'bank.is: must be one of a, b'],
  ])('%j', (wrong, message) => {
    expect(messageOf({ ...right, ...wrong })).toBe(message);
  });

  test.each([undefined, null, [], 'text'])('a body of %j', (body) => {
    expect(messageOf(body)).toBe('the body must be a JSON object');
  });
});

describe('readInput', () => {
  const line = z.strictObject({ id: z.string(), note: z.string().optional() });
  const schema = z.strictObject({
    amount: z.string().optional(),
    line: line.optional(),
    lines: z.array(line).optional(),
    notes: z.array(z.strictObject({ note: z.string().optional() })).optional(),
    texts: z.array(z.string()).optional(),
  });
  const messageOf = (text: string, by: z.ZodType = schema) => {
    try {
      return readInput(by, parseJson(text));
    } catch (error) {
      return (error as Error).message;
    }
  };

  test('reads what is right', () => {
    expect(messageOf('{"lines":[{"id":"1"}]}')).toEqual({ lines: [{ id: '1' }] });
  });

  test.each([
    ['5', 'the body must be a JSON object'],
    ['"x"', 'the body must be a JSON object'],
    ['{"line":5}', 'line: must be an object'],
    ['{"lines":[{"id":"1"},5]}', 'lines.1: must be an object'],
    ['{"notes":[5]}', 'notes.0: must be an object'],
    ['{"texts":[5]}', 'texts.0: must be a string'],
    ['{"lines":5}', 'lines: must be a list'],
    ['{"value":"5"}', 'value: is not a known field'],
    ['{"line":{}}', 'line.id: is required'],
  ])('takes no number for an object: %s', (text, message) => {
    expect(messageOf(text)).toBe(message);
  });

  test('takes no number for an object with fields that are missing', () => {
    expect(messageOf('5', line)).toBe('the body must be a JSON object');
  });
});

describe('failureOf', () => {
  test.each([
    ['a failure', new FailureError({ status: 409, code: 'X', message: 'm' }), { status: 409, code: 'X' }],
    ['malformed JSON', new JsonError('bad'), { status: 400, code: 'INVALID_REQUEST', message: 'bad' }],
    ['a failing world', new OperationalError('store_unavailable', true), { status: 503, retryAfterSeconds: 1 }],
    ['a body too large', Object.assign(new Error('x'), { status: 413 }), { status: 413, code: 'BODY_TOO_LARGE' }],
    [
      'an encoding of the body that nobody undoes',
      Object.assign(new Error('x'), { status: 415 }),
      { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' },
    ],
    ['an aborted body', Object.assign(new Error('x'), { status: 400 }), { status: 400, code: 'INVALID_REQUEST' }],
  ])('shows %s', (_name, error, expected) => {
    expect(failureOf(error)).toMatchObject({ ...expected, unexpected: false });
  });

  test.each([
    ['a bug', new TypeError("cannot read 'secret' of undefined")],
    ['SQL', Object.assign(new Error('relation "x" does not exist'), { code: '42P01' })],
    ['a server status', Object.assign(new Error('x'), { status: 502 })],
    ['nothing', undefined],
    ['text', 'secret'],
  ])('shows nothing of %s', (_name, error) => {
    expect(failureOf(error)).toEqual({
      status: 500,
      code: 'SERVER_ERROR',
      message: 'The server failed to handle the request.',
      unexpected: true,
    });
  });
});
