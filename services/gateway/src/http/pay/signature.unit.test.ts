import { isRecent, parseSignature, signedPayload } from './signature';

const digest = 'ab'.repeat(32);

describe('parseSignature', () => {
  test.each([`t=1700000000,v1=${digest}`, `v1=${digest},t=1700000000`, `t=1700000000, v1=${digest}`])(
    'reads %s',
    (header) => {
      expect(parseSignature(header)).toEqual({ time: '1700000000', digest });
    },
  );

  test.each([
    '',
    't=1700000000',
    `v1=${digest}`,
    `t=1700000000,v1=${digest},v1=${digest}`,
    `t=1,t=2`,
    `v1=${digest},v1=${digest}`,
    `t=1700000000,v1=${digest.toUpperCase()}`,
    `t=1700000000,v1=${digest.slice(1)}`,
    `t=-1,v1=${digest}`,
    `t=01700000000,v1=${digest}`,
    `t=0x1,v1=${digest}`,
    `t=1e9,v1=${digest}`,
    `t=1700000000,v2=${digest}`,
    `t=1700000000;v1=${digest}`,
    `t=ab,v1=${digest}`,
  ])('refuses %j', (header) => {
    expect(parseSignature(header)).toBeUndefined();
  });
});

test('the time may be five minutes away, and not a second more', () => {
  const signature = { time: '1700000000', digest };
  const after = (seconds: number) => new Date((1_700_000_000 + seconds) * 1000);
  expect([-300, 0, 300].map((seconds) => isRecent(signature, after(seconds)))).toEqual([true, true, true]);
  expect([-301, 301].map((seconds) => isRecent(signature, after(seconds)))).toEqual([false, false]);
});

test('the payload covers time, method, path, key and the exact body', () => {
  const request = { method: 'POST', path: '/pay/v1/transfer', idempotencyKey: 'KEY-1', rawBody: '{"amount": 1.00}' };
  expect(signedPayload({ time: '1700000000', digest }, request)).toBe(
    '1700000000.POST./pay/v1/transfer.KEY-1.{"amount": 1.00}',
  );
});
