import { OperationalError } from '@daybook/core';
import { asOperational, isConnectionLoss } from './operational';

const failure = (code: string) => Object.assign(new Error('failed'), { code });

describe('asOperational', () => {
  test.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ENETDOWN',
    'EADDRNOTAVAIL',
    'EMFILE',
    '08006',
    '53300',
    '57014',
    '57P01',
    '57P03',
    '40001',
    '40P01',
    '25006',
  ])('%s is an outage, with its cause', (code) => {
    const cause = failure(code);
    expect(asOperational(cause)).toMatchObject({
      name: 'OperationalError',
      code: 'store_unavailable',
      retryable: true,
      cause,
    });
  });

  test('a connection that the driver reports without a code is an outage', () => {
    expect(asOperational(new Error('Connection terminated unexpectedly'))).toMatchObject({ code: 'store_unavailable' });
  });

  test.each([
    ['a unique violation', failure('23505')],
    ['a syntax error', failure('42601')],
    ['a wrong password', failure('28P01')],
    ['a missing file', failure('ENOENT')],
    ['another error', new TypeError('x is not a function')],
    ['something that is no error', 'text'],
    ['an operational error of another kind', new OperationalError('broker_unavailable', true)],
  ])('%s stays what it is', (_name, error) => {
    expect(asOperational(error)).toBe(error);
  });

  test.each([
    ['57P01', true],
    ['ECONNRESET', true],
    ['57014', false],
    ['53100', false],
    ['23505', false],
  ])('whether %s leaves the fate of a statement open: %s', (code, open) => {
    expect(isConnectionLoss(failure(code))).toBe(open);
    expect(isConnectionLoss(asOperational(failure(code)))).toBe(open);
  });
});
