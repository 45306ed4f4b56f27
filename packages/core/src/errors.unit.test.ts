import { isOperationalError, OperationalError } from './errors';

test('an operational error is recognised by its brand, not by its class', () => {
  const foreign = Object.assign(new Error('x'), {
    [Symbol.for('daybook.OperationalError')]: true,
    code: 'store_unavailable',
    retryable: true,
  });
  expect(isOperationalError(foreign)).toBe(true);
  expect(isOperationalError(new OperationalError('version_conflict', true))).toBe(true);
  expect(isOperationalError(new Error('version_conflict'))).toBe(false);
  expect(isOperationalError(undefined)).toBe(false);
});
