import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { allowListMax, canonicalAllowList } from '../src/domain/ip-allow-list';

describe('ip allow-list', () => {
  test.each([
    ['203.0.113.0/24', '203.0.113.0/24'],
    ['203.0.113.7', '203.0.113.7/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.255/32', '255.255.255.255/32'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['::/0', '::/0'],
    ['1:2:3:4:5:6:7:8/128', '1:2:3:4:5:6:7:8/128'],
  ])('accepts %s', (block, canonical) => {
    expect(canonicalAllowList([block])).toEqual([canonical]);
  });

  test.each([
    '',
    ' 203.0.113.7',
    '256.0.0.1',
    '203.0.113.0/33',
    '203.0.113.0/-1',
    '203.0.113.0/',
    '010.0.0.1',
    '10.0.0',
    '127.1',
    '0x7f.0.0.1',
    'example.org',
    '*',
    '2001:db8::/129',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    ':1:2:3:4:5:6:7:8',
    'fe80::1%eth0',
    '2001:db8::/032',
  ])('refuses %j', (block) => {
    expect(canonicalAllowList([block])).toBeUndefined();
  });

  test('reads IPv6 addresses as the platform does', () => {
    const text = fc.string({ unit: fc.constantFrom(':', '::', '0', 'f', '1a', 'ffff', 'abcde'), maxLength: 18 });
    fc.assert(
      fc.property(text, (address) => {
        expect(canonicalAllowList([address]) !== undefined).toBe(isIPv6(address));
      }),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(
        fc.ipV6().filter((a) => !a.includes('.')),
        (a) => expect(canonicalAllowList([a])).toEqual([`${a}/128`]),
      ),
    );
    fc.assert(fc.property(fc.ipV4(), (a) => expect(canonicalAllowList([a])).toEqual([`${a}/32`])));
  });

  test('refuses one block too many', () => {
    const blocks = Array.from({ length: allowListMax }, (_, n) => `10.0.0.${n}`);
    expect(canonicalAllowList(blocks)).toHaveLength(allowListMax);
    expect(canonicalAllowList([...blocks, '10.1.0.0'])).toBeUndefined();
  });
});
