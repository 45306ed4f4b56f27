import { Secret } from '@daybook/runtime';
import { redacting } from './node-says';

const url = new Secret('https://user:pa%2Fssword@eth.example.com/v2/abcDEF123456?apikey=zyx-987654');

describe('what a node says of a failure', () => {
  test.each([
    ['its key in the path', 'key abcDEF123456 is over its limit', 'key … is over its limit'],
    ['its key in the query', 'bad apikey zyx-987654', 'bad apikey …'],
    ['its password as it is written', 'no pa%2Fssword', 'no …'],
    ['its password as it is meant', 'no pa/ssword', 'no …'],
    ['the address it was asked at', 'POST https://other.example/v3/q?k=1 failed', 'POST … failed'],
    ['its host', 'eth.example.com is busy', '… is busy'],
  ])('is told without %s', (_what, said, told) => {
    expect(redacting(url)(said)).toBe(told);
  });

  test('keeps what is nobody’s key', () => {
    expect(redacting(url)('v2: execution reverted at block 0x10')).toBe('v2: execution reverted at block 0x10');
  });

  test('is told without a key that is sent beside the address', () => {
    expect(redacting(url, new Secret('tron-api-key-1'), undefined)('ApiKey tron-api-key-1 not exists')).toBe(
      'ApiKey … not exists',
    );
  });

  test('is one line of 200 characters at most', () => {
    expect(redacting(url)(`a\r\nlevel=error forged\u001b[31m ${'x'.repeat(500)}`)).toMatch(
      /^a level=error forged \[31m x{1,200}$/,
    );
    expect(redacting(url)('x'.repeat(500))).toHaveLength(200);
  });
});
