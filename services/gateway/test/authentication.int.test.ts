import { createHmac, randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { credentialIssued, exchangeLogin, findCredential } from '@daybook/contracts';
import { eventually } from '@daybook/testing';
import { sign } from 'jsonwebtoken';
import { GatewayHarness, keys, signToken, tokenKeys, type TestCredential } from './harness';

const gateway = new GatewayHarness({ TRUSTED_PROXIES: '127.0.0.0/8' });
let token: TestCredential;

beforeAll(async () => {
  await gateway.start();
  token = await gateway.issue('token', ['webhooks']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const whoAmI = (headers: Record<string, string>) => gateway.request('GET', '/v1/credential', { headers });

/** Sends headers as they are, repeated ones included, which fetch would join. */
function sendRaw(headers: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = new URL('/v1/credential', gateway.url);
    const sent = httpRequest(url, { headers: ['Host', url.host, 'Connection', 'close', ...headers] }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    });
    sent.once('error', reject).end();
  });
}

describe('every kind of credential', () => {
  test.each(['client', 'api_key', 'basic', 'token', 'login'] as const)('%s opens /v1 by its scope', async (kind) => {
    const credential = await gateway.issue(kind, ['webhooks']);
    expect(await whoAmI(credential.headers)).toMatchObject({
      status: 200,
      body: { credential_id: credential.credentialId, tenant_id: credential.tenantId, kind, scopes: ['webhooks'] },
    });
    expect(await gateway.request('GET', '/v1/intents', { headers: credential.headers })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', status: 403 },
    });
  });

  test('cannot be presented as another kind', async () => {
    const basic = await gateway.issue('basic', ['webhooks']);
    const client = { 'X-Client-ID': basic.credentialId, 'X-Client-Secret': basic.secret };
    expect((await whoAmI(client)).status).toBe(401);
    expect((await whoAmI({ 'X-API-Key': basic.secret })).status).toBe(401);
    expect((await whoAmI({ Authorization: `Bearer ${signToken({ jti: basic.credentialId })}` })).status).toBe(401);
  });

  test('Basic is read in both alphabets of Base64', async () => {
    const secret = 'secret:with?>~~?colons';
    const credential = await gateway.issue('basic', ['webhooks'], {}, secret);
    const pair = Buffer.from(`${credential.credentialId}:${secret}`);
    for (const alphabet of ['base64', 'base64url'] as const) {
      expect((await whoAmI({ Authorization: `Basic ${pair.toString(alphabet)}` })).status).toBe(200);
    }
  });

  test('stops when it is revoked, at once in the process that is told', async () => {
    const credential = await gateway.issue('api_key', ['webhooks']);
    await gateway.revoke(credential.credentialId);
    await eventually(async () => expect((await whoAmI(credential.headers)).status).toBe(401), { timeoutMs: 5_000 });
  });
});

describe('a credential that no message has told of', () => {
  test.each(['client', 'basic', 'token', 'login'] as const)('%s: identity is asked by its id', async (kind) => {
    const { issued, headers } = gateway.make(kind, ['webhooks']);
    gateway.services.respond(findCredential)(() => ({ ok: true, value: issued }));
    expect(await whoAmI(headers)).toMatchObject({ status: 200, body: { credential_id: issued.credentialId, kind } });
    expect(await whoAmI(headers)).toMatchObject({ status: 200 });
    expect(gateway.services.received(findCredential)).toEqual([{ credentialId: issued.credentialId }]);
  });

  test('api_key: identity is asked by the digest of the key', async () => {
    const { issued, headers } = gateway.make('api_key', ['webhooks']);
    gateway.services.respond(findCredential)(() => ({ ok: true, value: issued }));
    expect(await whoAmI(headers)).toMatchObject({ status: 200, body: { credential_id: issued.credentialId } });
    expect(gateway.services.received(findCredential)).toEqual([{ secretDigest: issued.secretDigest }]);
  });

  test('is held to its secret, kind, scopes and addresses', async () => {
    const { issued, headers } = gateway.make('client', ['webhooks'], { ipAllowList: ['203.0.113.0/24'] });
    gateway.services.respond(findCredential)(() => ({ ok: true, value: issued }));
    expect((await whoAmI({ ...headers, 'X-Client-Secret': 'wrong' })).status).toBe(401);
    expect((await whoAmI(headers)).status).toBe(403);
    const basic = Buffer.from(`${issued.credentialId}:${headers['X-Client-Secret']}`).toString('base64');
    expect((await whoAmI({ Authorization: `Basic ${basic}` })).status).toBe(401);
  });

  test('is refused when identity does not know it either, and identity is asked once', async () => {
    const { headers } = gateway.make('client', ['webhooks']);
    const replies = await Promise.all([whoAmI(headers), whoAmI(headers), whoAmI(headers)]);
    expect(replies.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect((await whoAmI(headers)).status).toBe(401);
    expect(gateway.services.received(findCredential)).toHaveLength(1);
  });

  test('works as soon as the message comes, although it was refused before', async () => {
    const { issued, headers } = gateway.make('api_key', ['webhooks']);
    expect((await whoAmI(headers)).status).toBe(401);
    await gateway.publish(credentialIssued, issued);
    await eventually(async () => expect((await whoAmI(headers)).status).toBe(200), { timeoutMs: 1_500 });
  });

  test('is not refused as wrong while identity does not answer', async () => {
    const { issued, headers } = gateway.make('token', ['webhooks']);
    gateway.services.fail(503);
    const down = await whoAmI(headers);
    expect(down).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
    expect(down.headers.get('retry-after')).toBe('1');
    gateway.services.reset();
    gateway.services.respond(findCredential)(() => ({ ok: true, value: issued }));
    expect((await whoAmI(headers)).status).toBe(200);
  });

  test('asks nobody about a forged token', async () => {
    const { Authorization } = gateway.make('token', ['webhooks']).headers;
    expect((await whoAmI({ Authorization: `${Authorization!.slice(0, -8)}AAAAAAAA` })).status).toBe(401);
    expect(gateway.services.received(findCredential)).toEqual([]);
  });
});

describe('forged tokens', () => {
  const jti = () => token.credentialId;
  const other = tokenKeys();
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = () => ({ jti: jti(), iss: 'daybook', aud: 'daybook', exp: Math.floor(Date.now() / 1000) + 600 });
  const unsigned = (alg: string) => `${part({ alg, typ: 'JWT', kid: keys.keyid })}.${part(claims())}.`;
  const hs256 = () => {
    const input = `${part({ alg: 'HS256', typ: 'JWT', kid: keys.keyid })}.${part(claims())}`;
    return `${input}.${createHmac('sha256', keys.publicKey).update(input).digest('base64url')}`;
  };
  const tampered = () => {
    const [header, , signature] = signToken({ jti: jti() }).split('.');
    return `${header}.${part({ ...claims(), scopes: ['ops'] })}.${signature}`;
  };

  test.each([
    ['no algorithm', () => unsigned('none')],
    ['no algorithm, in capitals', () => unsigned('NONE')],
    ['ES256 in name only', () => unsigned('ES256')],
    ['HS256 with the public key', hs256],
    ["somebody else's key", () => signToken({ jti: jti() }, {}, other.privateKey)],
    ['another issuer', () => signToken({ jti: jti() }, { issuer: 'mallory' })],
    ['another audience', () => signToken({ jti: jti() }, { audience: 'other' })],
    ['an expiry in the past', () => signToken({ jti: jti() }, { expiresIn: -1 })],
    ['a start in the future', () => signToken({ jti: jti() }, { notBefore: 600 })],
    ['no id', () => signToken({ sub: jti() })],
    ['an unknown id', () => signToken({ jti: randomUUID() })],
    ['changed claims', tampered],
    ["somebody else's key, and its id", () => signToken({ jti: jti() }, { keyid: other.keyid }, other.privateKey)],
    ['no key id', () => sign(claims(), keys.privateKey, { algorithm: 'ES256' })],
    ['an unknown key id', () => signToken({ jti: jti() }, { keyid: other.keyid })],
    ['a path as its key id', () => signToken({ jti: jti() }, { keyid: '../../dev/null' }, other.privateKey)],
    ['a path that ends with the key id', () => signToken({ jti: jti() }, { keyid: `../../${keys.keyid}` })],
    ['SQL as its key id', () => signToken({ jti: jti() }, { keyid: `${keys.keyid}' or '1'='1` })],
    ['nothing in it', () => '..'],
    ['text', () => 'text'],
  ])('with %s are refused alike', async (_name, forge) => {
    const reply = await whoAmI({ Authorization: `Bearer ${forge()}` });
    expect(reply.status).toBe(401);
    expect(reply.body).toEqual({
      type: '/problems/unauthorized',
      title: 'A valid credential is required.',
      status: 401,
      code: 'UNAUTHORIZED',
    });
  });

  test('without an expiry are refused', async () => {
    const { privateKey, keyid } = keys;
    const forever = sign({ jti: jti(), iss: 'daybook', aud: 'daybook' }, privateKey, { algorithm: 'ES256', keyid });
    expect((await whoAmI({ Authorization: `Bearer ${forever}` })).status).toBe(401);
  });
});

describe('the key of tokens', () => {
  test('is replaced while requests come, and none of them is refused', async () => {
    const next = tokenKeys();
    const claims = { jti: token.credentialId };
    const [ofOwn, ofNext] = [signToken(claims), signToken(claims, { keyid: next.keyid }, next.privateKey)];
    let tokens = [ofOwn];
    let to = { url: gateway.url, stop: async () => undefined as void };
    const statuses: number[] = [];
    let isDone = false;
    const rounds = [0, 0, 0, 0];
    const clients = rounds.map(async (_, client) => {
      for (; !isDone; rounds[client]! += 1)
        for (const each of tokens) {
          const headers = { Authorization: `Bearer ${each}` };
          statuses.push((await fetch(`${to.url}/v1/credential`, { headers })).status);
        }
    });
    /** Each client goes on for some rounds before the next step, and has done by then what it began before. */
    const askOn = async () => {
      const enough = rounds.map((round) => round + 10);
      const isEnough = () => expect(rounds.every((round, client) => round >= enough[client]!)).toBe(true);
      await eventually(isEnough, { timeoutMs: 10_000 });
    };
    /** The balancer sends nobody to it before it stops. */
    const replace = async (publicKeys: string) => {
      const before = to;
      to = await gateway.another({ TOKEN_PUBLIC_KEY: publicKeys });
      await askOn();
      await before.stop();
    };
    await askOn();
    await replace(keys.publicKey + next.publicKey);
    tokens = [ofOwn, ofNext];
    await askOn();
    tokens = [ofNext];
    await askOn();
    await replace(next.publicKey);
    isDone = true;
    await Promise.all(clients);
    expect(new Set(statuses)).toEqual(new Set([200]));
    const late = await fetch(`${to.url}/v1/credential`, { headers: { Authorization: `Bearer ${ofOwn}` } });
    expect(late.status).toBe(401);
    await to.stop();
  });
});

describe('more than one credential', () => {
  const bearer = () => token.headers['Authorization']!;

  test.each([
    ['the same header twice', () => ['Authorization', bearer(), 'Authorization', bearer()]],
    ['two schemes', () => ['Authorization', bearer(), 'X-API-Key', 'key']],
    ['a scheme and half of another', () => ['Authorization', bearer(), 'X-Client-ID', 'id']],
    ['two keys', () => ['X-API-Key', 'a', 'x-api-key', 'b']],
    ['two ids', () => ['X-Client-ID', 'a', 'X-Client-ID', 'b', 'X-Client-Secret', 's']],
  ])('is ambiguous: %s', async (_name, headers) => {
    expect(await sendRaw(headers())).toBe(400);
  });

  test('is not seen in one that is used once', async () => {
    expect(await sendRaw(['Authorization', bearer()])).toBe(200);
  });
});

describe('address allow-list', () => {
  test('holds against forged X-Forwarded-For, and a change of it is followed', async () => {
    const credential = await gateway.issue('token', ['webhooks'], { ipAllowList: ['203.0.113.0/24'] });
    const from = (forwarded?: string) =>
      whoAmI({ ...credential.headers, ...(forwarded === undefined ? {} : { 'X-Forwarded-For': forwarded }) });
    expect((await from()).status).toBe(403);
    expect((await from('203.0.113.7')).status).toBe(200);
    expect((await from('203.0.113.7, 127.0.0.9')).status).toBe(200);
    expect((await from('203.0.113.7, 198.51.100.1')).status).toBe(403);
    expect((await from('203.0.113.7:443')).status).toBe(403);
    expect(await from('nonsense')).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    await gateway.restrict(credential.credentialId, ['198.51.100.0/24']);
    await eventually(async () => expect((await from('198.51.100.1')).status).toBe(200), { timeoutMs: 5_000 });
  });
});

describe('sign-in', () => {
  const signIn = (body: unknown) => gateway.request('POST', '/v1/tokens', { body });

  test('answers a token, or the same refusal for whatever was wrong', async () => {
    gateway.services.respond(exchangeLogin)(({ password }) =>
      password === 'right'
        ? { ok: true, value: { token: 'a.b.c', expiresAt: '2026-02-11T11:00:00.000Z', userNumber: 7 } }
        : { ok: false, rejection: 'login_invalid' },
    );
    expect(await signIn({ login: 'me@example.com', password: 'right' })).toMatchObject({
      status: 200,
      body: { token: 'a.b.c', token_type: 'Bearer' },
    });
    expect(await signIn({ login: 'me@example.com', password: 'wrong' })).toMatchObject({
      status: 401,
      body: { code: 'LOGIN_INVALID' },
    });
    expect(JSON.stringify(gateway.log.lines)).not.toContain('me@example.com');
  });
});

describe('limits', () => {
  const limited = new GatewayHarness({
    TRUSTED_PROXIES: '127.0.0.0/8',
    PAY_RATE_LIMIT_PER_MINUTE: '100',
    RATE_LIMIT_PER_MINUTE: '150',
    PUBLIC_RATE_LIMIT_PER_MINUTE: '3',
    AUTH_FAILURES_PER_MINUTE: '60',
  });
  beforeAll(() => limited.start());
  afterAll(() => limited.stop());

  const spend = async (path: string, headers: Record<string, string>, times: number) => {
    for (let used = 0; used < times; used++)
      expect((await fetch(limited.url + path, { headers })).status).not.toBe(429);
  };
  const balance = '/pay/v1/wallet/balance';
  const missing = `/api/v1/intents/${randomUUID()}`;

  test('the hundredth request of a minute on pay passes, the next is 429; other APIs go on', async () => {
    const { headers } = await limited.issue('token', ['pay']);
    limited.services.reset();
    await spend(balance, headers, 100);
    const asked = limited.services.count();
    const refused = await limited.request('GET', balance, { headers });
    expect(refused).toMatchObject({
      status: 429,
      body: {
        error: { code: 'RATE_LIMIT_EXCEEDED', message: 'Rate limit of 100 requests per minute exceeded.' },
      },
    });
    expect(refused.headers.get('retry-after')).toMatch(/^([1-9]|[1-5]\d|60)$/);
    expect(limited.services.count()).toBe(asked);
    expect((await limited.request('GET', '/v1/credential', { headers })).status).toBe(200);
  });

  test('an address that the credential may not be used from uses up its own tries, and nothing of the credential', async () => {
    const { headers } = await limited.issue('token', ['pay'], { ipAllowList: ['203.0.113.0/24'] });
    const from = async (address: string) => {
      const reply = await limited.request('GET', balance, { headers: { ...headers, 'X-Forwarded-For': address } });
      return reply.status;
    };
    for (let n = 0; n < 60; n++) expect(await from('198.51.100.77')).toBe(403);
    expect(await from('198.51.100.77')).toBe(429);
    for (let n = 0; n < 100; n++) expect(await from('203.0.113.7')).not.toBe(429);
    expect(await from('203.0.113.7')).toBe(429);
  });

  test('the other APIs share a limit of their own, and each says 429 in its own shape', async () => {
    const { headers } = await limited.issue('client', ['intents']);
    // Issuing the credential has asked with it at least once.
    await spend(missing, headers, 100);
    await spend('/v1/credential', headers, 40);
    await eventually(async () => expect((await limited.request('GET', missing, { headers })).status).toBe(429), {
      timeoutMs: 10_000,
    });
    expect(await limited.request('GET', missing, { headers })).toMatchObject({
      status: 429,
      body: { code: 'RATE_LIMIT_EXCEEDED', detail: 'Rate limit of 150 requests per minute exceeded.' },
    });
    expect(await limited.request('GET', '/v1/credential', { headers })).toMatchObject({
      status: 429,
      body: { code: 'RATE_LIMIT_EXCEEDED', title: 'Rate limit of 150 requests per minute exceeded.' },
    });
  });

  test('routes without a credential are limited by address', async () => {
    limited.services.respond(exchangeLogin)(() => ({ ok: false, rejection: 'login_invalid' }));
    const signIn = () => limited.request('POST', '/v1/tokens', { body: { login: 'me@example.com', password: 'x' } });
    for (let i = 0; i < 3; i++) expect((await signIn()).status).toBe(401);
    expect(await signIn()).toMatchObject({ status: 429, body: { code: 'RATE_LIMIT_EXCEEDED' } });
  });

  test('an address that fails too often is not checked again', async () => {
    const headers = { 'X-API-Key': 'guess' };
    const statuses = [];
    for (let guess = 0; guess < 61; guess++)
      statuses.push((await fetch(`${limited.url}/v1/credential`, { headers })).status);
    expect(statuses.at(-1)).toBe(429);
  });
});
