import { AssertionError, OperationalError } from '@daybook/core';
import { causeOf, Undecodable, verdictOn } from './verdict';

const cases: readonly (readonly [string, unknown, string, string])[] = [
  ['a retryable failure of the world', new OperationalError('store_unavailable', true), 'wait', 'wait'],
  ['a final failure of the world', new OperationalError('upstream_unavailable', false), 'again', 'again'],
  ['a lost connection', Object.assign(new Error('lost'), { code: '57P01' }), 'wait', 'wait'],
  ['a deadlock', Object.assign(new Error('deadlock'), { code: '40P01' }), 'wait', 'wait'],
  ['what cannot be read', new Undecodable('bad'), 'park', 'park'],
  ['a broken invariant', new AssertionError('broken'), 'park', 'crash'],
  ['an ordinary error', new TypeError('x is undefined'), 'again', 'again'],
  ['a violated constraint', Object.assign(new Error('duplicate key'), { code: '23505' }), 'again', 'again'],
  ['no error at all', undefined, 'again', 'again'],
];

test.each(cases)('%s', (_name, error, elsewhere, ledger) => {
  expect(verdictOn(error, 'notifications.intents')).toBe(elsewhere);
  expect(verdictOn(error, 'ledger.intents')).toBe(ledger);
});

test('a cause is short text that Postgres stores, whatever was thrown', () => {
  expect(causeOf(new RangeError('too far'))).toBe('RangeError: too far');
  expect(causeOf('text\0')).toBe('text');
  expect(causeOf(undefined)).toBe('undefined');
  expect(causeOf(new Error('x'.repeat(5_000)))).toHaveLength(2_000);
});
