import { mayReach, readWebhookUrl } from './public-address';

const live = (url: string) => readWebhookUrl(url, 'live', { allowLoopback: true });
const problemOf = (url: string) => {
  const read = live(url);
  return read.ok ? undefined : read.problem;
};

describe('webhook urls', () => {
  test.each([
    'https://merchant.example/webhook',
    'https://merchant.example:443/hook?key=1',
    'https://merchant.example:8443/',
    'https://93.184.216.34/',
    'https://[2606:4700::1111]/',
  ])('accepts %s', (url) => {
    expect(problemOf(url)).toBeUndefined();
  });

  test.each([
    '',
    'merchant.example',
    'http://merchant.example/',
    'ftp://merchant.example/',
    'file:///etc/passwd',
    'gopher://127.0.0.1:6379/_x',
    'javascript:alert(1)',
    'https://',
    'https://user@merchant.example/',
    'https://user:pass@merchant.example/',
    'https://merchant.example@127.0.0.1/',
    'https://merchant.example:22/',
    'https://merchant.example:5432/',
    'https://merchant.example:80/',
    'https://merchant.example:65536/',
    'https://merchant.example/ hook',
    'https://mer\tchant.example/',
    'https://merchant.example/\r\nx: y',
    'https://[fe80::1%25eth0]/',
    'https://127.0.0.1:6379/',
  ])('refuses %j as invalid', (url) => {
    expect(problemOf(url)).toBe('url_invalid');
  });

  test.each([
    // Spellings of 127.0.0.1 and 169.254.169.254 that the URL parser makes canonical.
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://017700000001/',
    'https://0177.0.0.1/',
    'https://0x7f.1/',
    'https://0x7f000001/',
    'https://①②⑦.⓪.⓪.①/',
    'https://127.0.0.1./',
    'https://169.254.169.254/latest/meta-data/',
    'https://169.254.169.254./',
    'https://2852039166/',
    // IPv6 forms, which it does not.
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[0:0:0:0:0:ffff:7f00:1]/',
    'https://[::7f00:1]/',
    'https://[::ffff:0:127.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[64:ff9b:1::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://[2002:a9fe:a9fe::1]/',
    'https://[2001::1]/',
    'https://[fc00::1]/',
    'https://[fd12:3456:789a::1]/',
    'https://[fe80::1]/',
    'https://[fec0::1]/',
    'https://[ff02::1]/',
    'https://[100::1]/',
    'https://[2001:db8::1]/',
    // The rest of the special-purpose registries.
    'https://0.0.0.0/',
    'https://0/',
    'https://10.0.0.1/',
    'https://100.64.0.1/',
    'https://100.127.255.255/',
    'https://172.16.0.1/',
    'https://172.31.255.255/',
    'https://192.0.0.1/',
    'https://192.0.2.1/',
    'https://192.168.0.1/',
    'https://198.18.0.1/',
    'https://198.51.100.1/',
    'https://203.0.113.1/',
    'https://224.0.0.1/',
    'https://240.0.0.1/',
    'https://255.255.255.255/',
  ])('refuses %s as not public', (url) => {
    expect(problemOf(url)).toBe('url_not_public');
  });

  test('lets the sandbox reach this machine, when it is allowed, and nothing else inside', () => {
    const sandbox = (url: string, allowLoopback: boolean) => readWebhookUrl(url, 'sandbox', { allowLoopback });
    for (const url of [
      'http://127.0.0.1:9000/x',
      'http://localhost:9000/',
      'https://[::1]:9000/',
      'http://127.8.8.8/',
    ]) {
      expect(sandbox(url, true)).toMatchObject({ ok: true, reach: 'loopback' });
      expect(sandbox(url, false)).toMatchObject({ ok: false });
      expect(readWebhookUrl(url, 'live', { allowLoopback: true })).toMatchObject({ ok: false });
    }
    for (const url of ['http://10.0.0.1/', 'http://169.254.169.254/', 'http://merchant.example/', 'ftp://localhost/'])
      expect(sandbox(url, true)).toMatchObject({ ok: false });
    expect(sandbox('https://merchant.example/', true)).toMatchObject({ ok: true, reach: 'public' });
  });

  test('judges an address in its canonical form', () => {
    expect(mayReach('8.8.8.8', 'public')).toBe(true);
    expect(mayReach('::ffff:8.8.8.8', 'public')).toBe(true);
    expect(mayReach('::ffff:127.0.0.1', 'public')).toBe(false);
    expect(mayReach('::ffff:127.0.0.1', 'loopback')).toBe(true);
    expect(mayReach('8.8.8.8', 'loopback')).toBe(false);
    expect(mayReach('not an address', 'public')).toBe(false);
  });
});
