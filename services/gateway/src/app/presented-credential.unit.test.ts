import { readPresented } from './presented-credential';

const basic = (text: string | Buffer) => `Basic ${Buffer.from(text).toString('base64')}`;
const uuid = '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11';
const id = ['X-Client-ID', 'id'];
const secret = ['X-Client-Secret', 'secret'];

describe('readPresented', () => {
  test.each([
    ['client', [...id, ...secret], { scheme: 'client', credentialId: 'id', secret: 'secret' }],
    [
      'client, in other cases',
      ['x-client-id', 'id', 'X-CLIENT-SECRET', 'secret'],
      { scheme: 'client', credentialId: 'id', secret: 'secret' },
    ],
    [
      'client, a UUID in capitals',
      ['X-Client-ID', uuid.toUpperCase(), 'X-Client-Secret', 'SeCret'],
      { scheme: 'client', credentialId: uuid, secret: 'SeCret' },
    ],
    [
      'Basic, an id in both cases',
      ['Authorization', basic('Key_aB:SeCret')],
      { scheme: 'basic', credentialId: 'Key_aB', secret: 'SeCret' },
    ],
    ['API key', ['X-API-Key', 'key'], { scheme: 'api_key', key: 'key' }],
    ['token', ['Authorization', 'Bearer a.b.c'], { scheme: 'token', token: 'a.b.c' }],
    ['token, lower case', ['authorization', 'bearer a.b.c'], { scheme: 'token', token: 'a.b.c' }],
    ['token without signature', ['Authorization', 'Bearer a.b.'], { scheme: 'token', token: 'a.b.' }],
    ['Basic', ['Authorization', basic('key:secret')], { scheme: 'basic', credentialId: 'key', secret: 'secret' }],
    [
      'Basic with colons',
      ['Authorization', basic('key:a:b:')],
      { scheme: 'basic', credentialId: 'key', secret: 'a:b:' },
    ],
    [
      'Basic, URL-safe',
      ['Authorization', `Basic ${Buffer.from('key:??>>~~').toString('base64url')}`],
      { scheme: 'basic', credentialId: 'key', secret: '??>>~~' },
    ],
  ])('reads %s', (_name, headers, presented) => {
    expect(readPresented([...headers, 'Accept', '*/*'])).toEqual({ ok: true, presented });
  });

  test.each([
    ['missing', []],
    ['missing', ['Proxy-Authorization', 'Bearer a.b.c']],
    ['incomplete', id],
    ['incomplete', secret],
    ['incomplete', [...id, 'X-Client-Secret', '']],
    ['ambiguous', [...id, ...secret, ...secret]],
    ['ambiguous', [...id, ...id, ...secret]],
    ['ambiguous', [...id, ...secret, 'X-API-Key', 'key']],
    ['ambiguous', [...secret, 'Authorization', 'Bearer a.b.c']],
    ['ambiguous', ['Authorization', 'Bearer a.b.c', 'authorization', 'Bearer a.b.c']],
    ['ambiguous', ['Authorization', basic('a:b'), 'X-API-Key', '']],
    ['malformed', ['X-API-Key', '']],
    ['malformed', ['X-API-Key', 'a b']],
    ['malformed', ['X-API-Key', 'k'.repeat(201)]],
    ['malformed', ['X-Client-ID', 'caf\u00e9', ...secret]],
    ['malformed', ['Authorization', '']],
    ['malformed', ['Authorization', 'Bearer']],
    ['malformed', ['Authorization', 'Bearer ']],
    ['malformed', ['Authorization', 'a.b.c']],
    ['malformed', ['Authorization', 'Bearer a.b.c, Bearer d.e.f']],
    ['malformed', ['Authorization', 'Bearer a.b.c Basic YTpi']],
    ['malformed', ['Authorization', 'Bearer a.b']],
    ['malformed', ['Authorization', 'Bearer a.b.c.d.e']],
    ['malformed', ['Authorization', 'Digest YTpi']],
    ['malformed', ['Authorization', basic('no colon')]],
    ['malformed', ['Authorization', basic(':secret')]],
    ['malformed', ['Authorization', basic('key:')]],
    ['malformed', ['Authorization', basic('key:sec\u0000ret')]],
    ['malformed', ['Authorization', basic('key:sec\r\nret')]],
    ['malformed', ['Authorization', basic(Buffer.from([0x6b, 0x3a, 0xff, 0xfe]))]],
    ['malformed', ['Authorization', basic(`\ufeffkey:secret`)]],
    ['malformed', ['Authorization', 'Basic !!!!']],
    ['malformed', ['Authorization', 'Basic YTpi YTpi']],
    ['malformed', ['Authorization', 'Basic =']],
  ] as const)('says %s of %j', (problem, headers) => {
    expect(readPresented(headers)).toEqual({ ok: false, problem });
  });
});
