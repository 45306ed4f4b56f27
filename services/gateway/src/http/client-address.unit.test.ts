import { addressGroup, clientAddress, isAllowed } from './client-address';

const proxies = ['10.0.0.0/8', 'fd00::/8', '::ffff:c0a8:0/112'];

describe('clientAddress', () => {
  test.each([
    ['a peer that is no proxy', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    [
      'a peer that is no proxy, with fifty forged hops',
      '203.0.113.9',
      Array(50).fill('10.0.0.1').join(','),
      '203.0.113.9',
    ],
    ['a proxy without the header', '10.0.0.1', undefined, '10.0.0.1'],
    ['a proxy', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['a proxy, with a forged hop on the left', '10.0.0.1', '192.0.2.1, 198.51.100.1', '198.51.100.1'],
    ['two proxies', '10.0.0.1', '198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['proxies all the way', '10.0.0.1', '10.0.0.3,10.0.0.2', '10.0.0.3'],
    ['a proxy over IPv4 in IPv6', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['an IPv6 proxy', 'fd00::1', '2001:db8::7', '2001:db8::7'],
    ['a proxy of a block of IPv4 in IPv6', '192.168.0.1', '198.51.100.1', '198.51.100.1'],
    ['a mapped hop', '10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
    ['an empty header', '10.0.0.1', '', undefined],
    ['a hop with a port', '10.0.0.1', '198.51.100.1:80', undefined],
    ['a hop in hex', '10.0.0.1', '0x7f000001', undefined],
    ['a hop of one number', '10.0.0.1', '2130706433', undefined],
    ['a hop in octal', '10.0.0.1', '0177.0.0.1', undefined],
    ['a name', '10.0.0.1', 'localhost', undefined],
    ['the word unknown', '10.0.0.1', '198.51.100.1, unknown', undefined],
    ['no peer', undefined, '198.51.100.1', undefined],
  ])('of %s', (_name, peer, forwardedFor, expected) => {
    expect(clientAddress(peer, forwardedFor, proxies)).toBe(expected);
  });

  test('without proxies of our own is the peer, whatever is claimed', () => {
    expect(clientAddress('127.0.0.1', '198.51.100.1', [])).toBe('127.0.0.1');
  });
});

describe('isAllowed', () => {
  test.each([
    ['203.0.113.0', ['203.0.113.0/24'], true],
    ['203.0.113.255', ['203.0.113.0/24'], true],
    ['203.0.114.0', ['203.0.113.0/24'], false],
    ['203.0.113.7', ['203.0.113.7'], true],
    ['203.0.113.8', ['203.0.113.7/32'], false],
    ['2001:db8::1', ['2001:db8::/32'], true],
    ['2001:db9::1', ['2001:db8::/32'], false],
    ['203.0.113.7', ['::/0'], false],
    ['203.0.113.7', ['2001:db8::/32', '203.0.113.0/24'], true],
    ['203.0.113.7', ['::ffff:cb00:7107/128'], true],
    ['203.0.113.7', ['::ffff:cb00:7100/120'], true],
    ['203.0.114.7', ['::ffff:cb00:7100/120'], false],
    ['203.0.113.7', ['::ffff:0:0/95'], false],
    ['203.0.113.7', ['nonsense'], false],
    [undefined, ['0.0.0.0/0'], false],
    [undefined, [], true],
  ])('%s in %j is %s', (address, list, expected) => {
    expect(isAllowed(address, list)).toBe(expected);
  });
});

test('limits count an IPv6 customer by its /64', () => {
  expect(addressGroup('2001:db8:1:2::1')).toBe(addressGroup('2001:db8:1:2:ffff::9'));
  expect(addressGroup('2001:db8:1:2::1')).not.toBe(addressGroup('2001:db8:1:3::1'));
  expect(addressGroup('203.0.113.7')).toBe('203.0.113.7');
  expect(addressGroup(undefined)).toBe('unknown');
});
