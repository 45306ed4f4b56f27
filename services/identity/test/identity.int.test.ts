import { createHash, createHmac, createPublicKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import {
  credentialIssued,
  credentialRestricted,
  credentialRevoked,
  exchangeLogin,
  findCredential,
  issueCredential,
  registerOrganization,
  restrictCredential,
  revokeCredential,
  verifySignature,
  type CallContract,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { callClient, type CallClient } from '@daybook/http';
import { readMessage, type ReceivedMessage, type Transport } from '@daybook/messaging';
import { Secret, sha256Hex, type Service } from '@daybook/runtime';
import { eventually, fakeClock, testDatabase, testLogger, testTransport, type TestDatabase } from '@daybook/testing';
import { createService, loadConfig } from '../src';
import jwt from 'jsonwebtoken';

const { privateKey, publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const token = 'internal-token-of-this-test-run-only';
const contracts = [credentialIssued, credentialRestricted, credentialRevoked];
const clock = fakeClock('2026-03-01T12:00:00.000Z');
const { logger, lines } = testLogger();
const received: ReceivedMessage<unknown>[] = [];
const fatal: unknown[] = [];

let database: TestDatabase;
let settings: Record<string, string>;
const besides: { stop(): Promise<void> }[] = [];
let service: Service;
let transport: Transport;
let listening: { stop(): Promise<void> };
let identity: CallClient;

beforeAll(async () => {
  database = await testDatabase();
  settings = {
    DATABASE_URL: database.url,
    INTERNAL_TOKEN: token,
    TOKEN_PRIVATE_KEY: privateKey,
    TOKEN_TTL_DAYS: '30',
    SECRETS_KEY: randomBytes(32).toString('base64'),
    PERSONAL_DATA_KEY: randomBytes(32).toString('base64'),
  };
  service = createService(loadConfig(settings), { now: clock, logger, onFatal: (error) => fatal.push(error) });
  const { url } = await service.start();
  identity = callClient({ baseUrl: url, token: new Secret(token) });
  transport = testTransport(database.url, logger);
  await transport.start();
  listening = await transport.consume({
    group: 'test',
    topic: credentialIssued.topic,
    startAt: async () => 0n,
    handle: async (messages) => {
      for (const { value } of messages) received.push(readMessage(contracts, value).message);
    },
  });
});

afterAll(async () => {
  for (const beside of besides) await beside.stop();
  await listening?.stop();
  await transport?.stop();
  await identity?.stop();
  await service?.stop();
  await database?.drop();
  expect(fatal).toEqual([]);
});

type Issue = CallRequest<typeof issueCredential>;

async function value<Call extends CallContract>(call: Call, request: CallRequest<Call>) {
  const outcome = (await identity(call, request)) as { ok: boolean; value?: unknown; rejection?: string };
  expect(outcome).toMatchObject({ ok: true });
  return outcome.value as Extract<CallOutcome<Call>, { ok: true }>['value'];
}

async function newTenant(): Promise<string> {
  const tenantId = randomUUID();
  await value(registerOrganization, { tenantId, name: 'Acme' });
  return tenantId;
}

function issueFor(tenantId: string, kind: Issue['kind'], more: Partial<Issue> = {}): Issue {
  const login = kind === 'login' ? `${randomUUID()}@example.org` : null;
  return { tenantId, kind, mode: 'sandbox', scopes: ['pay'], walletId: null, ipAllowList: [], login, ...more };
}

const publishedOf = (credentialId: string) =>
  received.filter(({ data }) => (data as { credentialId?: string }).credentialId === credentialId);

async function publishedTypes(credentialId: string, types: readonly string[]) {
  await eventually(() => expect(publishedOf(credentialId).map(({ type }) => type)).toEqual(types), {
    timeoutMs: 10_000,
  });
  return publishedOf(credentialId).map(({ data }) => data);
}

/** Everything in the database, as text. Binary columns are in hex. */
async function everyRow(): Promise<string> {
  const pool = database.pool('identity');
  const tables = await pool.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_schema in ('identity', 'messaging') and table_type = 'BASE TABLE'`,
  );
  expect(tables.rows.length).toBeGreaterThan(5);
  const texts = await Promise.all(
    tables.rows.map(({ name }) => pool.query<{ row: string }>(`select to_json(t)::text as row from ${name} t`)),
  );
  return texts.flatMap(({ rows }) => rows.map(({ row }) => row)).join('\n');
}

async function eventCount(): Promise<string | undefined> {
  const { rows } = await database.pool('identity').query<{ count: string }>('select count(*) from events');
  return rows[0]?.count;
}

function expectAbsent(text: string, secret: string): void {
  expect(text.includes(secret)).toBe(false);
  expect(text.includes(Buffer.from(secret).toString('hex'))).toBe(false);
}

describe('organizations', () => {
  test('are registered once, and a repeat with another name is refused', async () => {
    const tenantId = await newTenant();
    await value(registerOrganization, { tenantId, name: 'Acme' });
    expect(await identity(registerOrganization, { tenantId, name: 'Other' })).toEqual({
      ok: false,
      rejection: 'organization_exists_with_different_fields',
    });
    expect(await identity(issueCredential, issueFor(randomUUID(), 'client'))).toEqual({
      ok: false,
      rejection: 'organization_not_found',
    });
  });

  test('are one, however their id is spelled, and known by the spelling of the tables', async () => {
    const tenantId = await newTenant();
    const spelled = tenantId.toUpperCase();
    expect(await value(registerOrganization, { tenantId: spelled, name: 'Acme' })).toEqual({ tenantId });
    const { credentialId } = await value(issueCredential, issueFor(spelled, 'client'));
    expect(await value(findCredential, { credentialId })).toMatchObject({ tenantId, userNumber: 1 });
    expect(await publishedTypes(credentialId, ['CredentialIssued'])).toMatchObject([{ tenantId }]);
    await value(revokeCredential, { tenantId: spelled, credentialId });
  });
});

describe('issuing', () => {
  test.each([
    [
      'client',
      'sandbox',
      /^dbk_test_[\w-]{43}$/,
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    ],
    ['api_key', 'live', /^dbk_live_[\w-]{43}$/, /^key_[0-9A-Z]{20}$/],
    ['basic', 'sandbox', /^dbk_test_[\w-]{43}$/, /^key_[0-9A-Z]{20}$/],
  ] as const)('gives a %s a secret of which only the digest is published', async (kind, mode, secretForm, idForm) => {
    const tenantId = await newTenant();
    const issued = await value(issueCredential, issueFor(tenantId, kind, { mode, ipAllowList: ['203.0.113.7'] }));
    expect(issued.secret).toMatch(secretForm);
    expect(issued.credentialId).toMatch(idForm);
    expect(issued.signingSecret).toBeNull();
    expect(await publishedTypes(issued.credentialId, ['CredentialIssued'])).toEqual([
      {
        credentialId: issued.credentialId,
        tenantId,
        kind,
        mode,
        scopes: ['pay'],
        secretDigest: sha256Hex(issued.secret),
        walletId: null,
        userNumber: 1,
        ipAllowList: ['203.0.113.7/32'],
        issuedAt: clock().toISOString(),
      },
    ]);
    const again = await value(issueCredential, issueFor(tenantId, kind, { mode }));
    expect(again.secret).not.toBe(issued.secret);
    expect(again.credentialId).not.toBe(issued.credentialId);
  });

  test('gives a token that says what it may do, signed with ES256', async () => {
    const tenantId = await newTenant();
    const scopes = ['pay', 'ledger:read'] as const;
    const issued = await value(
      issueCredential,
      issueFor(tenantId, 'token', { scopes: [...scopes], walletId: 'WALLET1' }),
    );
    const claims = jwt.verify(issued.secret, createPublicKey(publicKey), {
      algorithms: ['ES256'],
      issuer: 'daybook',
      audience: 'daybook',
      clockTimestamp: clock().getTime() / 1_000,
    });
    expect(claims).toMatchObject({
      jti: issued.credentialId,
      sub: tenantId,
      scope: 'pay ledger:read',
      mode: 'sandbox',
      wallet: 'WALLET1',
      exp: clock().getTime() / 1_000 + 30 * 86_400,
    });
    const spki = createPublicKey(publicKey).export({ type: 'spki', format: 'der' });
    const kid = createHash('sha256').update(spki).digest('hex').slice(0, 16);
    expect(jwt.decode(issued.secret, { complete: true })?.header).toEqual({ alg: 'ES256', typ: 'JWT', kid });
    expect(await publishedTypes(issued.credentialId, ['CredentialIssued'])).toMatchObject([{ secretDigest: null }]);
  });

  test('refuses an allow-list that is not one, and records nothing', async () => {
    const tenantId = await newTenant();
    const before = await eventCount();
    expect(await identity(issueCredential, issueFor(tenantId, 'client', { ipAllowList: ['10.0.0.0/33'] }))).toEqual({
      ok: false,
      rejection: 'ip_allow_list_invalid',
    });
    expect(await eventCount()).toBe(before);
  });

  test.each([
    ['a login', issueFor(randomUUID(), 'login')],
    ['an allow-list that is not one', issueFor(randomUUID(), 'client', { ipAllowList: ['10.0.0.0/33'] })],
  ])('for no organization is refused as that, also with %s, and records nothing', async (_name, request) => {
    const before = await eventCount();
    const refused = { ok: false, rejection: 'organization_not_found' };
    expect(await identity(issueCredential, request)).toEqual(refused);
    expect(await eventCount()).toBe(before);
  });

  test('asks for a login name exactly when it is a login', async () => {
    const tenantId = await newTenant();
    const nameless = issueFor(tenantId, 'login', { login: null });
    await expect(identity(issueCredential, nameless)).rejects.toThrow('answered 400');
    await expect(identity(issueCredential, issueFor(tenantId, 'basic', { login: 'ann' }))).rejects.toThrow('400');
  });

  test('leaves no secret in any table, message or log line', async () => {
    const tenantId = await newTenant();
    const login = `Canary-${randomUUID()}@example.org`;
    const kinds = ['client', 'api_key', 'basic', 'token', 'login'] as const;
    const secrets = [login, login.toLowerCase()];
    for (const kind of kinds) {
      const issued = await value(issueCredential, issueFor(tenantId, kind, kind === 'login' ? { login } : {}));
      secrets.push(issued.secret, ...(issued.signingSecret === null ? [] : [issued.signingSecret]));
      await publishedTypes(issued.credentialId, ['CredentialIssued']);
    }
    await value(exchangeLogin, { login, password: secrets.at(-1) ?? '' });
    await identity(exchangeLogin, { login, password: 'canary-wrong-password' });
    const rows = await everyRow();
    const logged = JSON.stringify(lines);
    const published = JSON.stringify(received);
    expect(rows).toContain('credential-');
    expect(secrets).toHaveLength(8);
    for (const secret of [...secrets, 'canary-wrong-password', token, privateKey.slice(40, 80)]) {
      expectAbsent(rows, secret);
      expectAbsent(logged, secret);
      expectAbsent(published, secret);
    }
  });
});

describe('changing', () => {
  test("replaces the allow-list, for the credential's own tenant only", async () => {
    const [tenantId, other] = [await newTenant(), await newTenant()];
    const { credentialId } = await value(issueCredential, issueFor(tenantId, 'client'));
    const restrict = (tenant: string, ipAllowList: string[]) =>
      identity(restrictCredential, { tenantId: tenant, credentialId, ipAllowList });
    expect(await restrict(other, ['10.0.0.0/8'])).toEqual({ ok: false, rejection: 'credential_not_found' });
    expect(await restrict(tenantId, ['nonsense'])).toEqual({ ok: false, rejection: 'ip_allow_list_invalid' });
    expect(await restrict(tenantId, ['10.0.0.0/8', '2001:db8::/32'])).toEqual({ ok: true, value: {} });
    expect(await publishedTypes(credentialId, ['CredentialIssued', 'CredentialRestricted'])).toMatchObject([
      { ipAllowList: [] },
      { ipAllowList: ['10.0.0.0/8', '2001:db8::/32'] },
    ]);
  });

  test('revokes once and for good', async () => {
    const [tenantId, other] = [await newTenant(), await newTenant()];
    const { credentialId } = await value(issueCredential, issueFor(tenantId, 'api_key'));
    expect(await identity(revokeCredential, { tenantId: other, credentialId })).toMatchObject({ ok: false });
    await value(revokeCredential, { tenantId, credentialId });
    await value(revokeCredential, { tenantId, credentialId });
    expect(await identity(restrictCredential, { tenantId, credentialId, ipAllowList: [] })).toEqual({
      ok: false,
      rejection: 'credential_revoked',
    });
    await publishedTypes(credentialId, ['CredentialIssued', 'CredentialRevoked']);
  });
});

describe('finding', () => {
  test.each(['client', 'api_key', 'basic', 'token', 'login'] as const)(
    '%s: tells what its event tells',
    async (kind) => {
      const issue = issueFor(await newTenant(), kind, { walletId: 'WALLET1', ipAllowList: ['10.0.0.0/8'] });
      const { credentialId } = await value(issueCredential, issue);
      const found = await value(findCredential, { credentialId });
      expect([found]).toEqual(await publishedTypes(credentialId, ['CredentialIssued']));
    },
  );

  test('finds an API key by its digest, and nothing else by one', async () => {
    const tenantId = await newTenant();
    const key = await value(issueCredential, issueFor(tenantId, 'api_key'));
    const basic = await value(issueCredential, issueFor(tenantId, 'basic'));
    const byDigest = (secret: string) => identity(findCredential, { secretDigest: sha256Hex(secret) });
    expect(await byDigest(key.secret)).toMatchObject({ ok: true, value: { credentialId: key.credentialId, tenantId } });
    for (const secret of [basic.secret, 'unknown'])
      expect(await byDigest(secret)).toEqual({ ok: false, rejection: 'credential_not_found' });
  });

  test('sees a change at once, and a revoked credential no more', async () => {
    const tenantId = await newTenant();
    const { credentialId } = await value(issueCredential, issueFor(tenantId, 'token'));
    await value(restrictCredential, { tenantId, credentialId, ipAllowList: ['192.0.2.0/24'] });
    expect(await value(findCredential, { credentialId })).toMatchObject({ ipAllowList: ['192.0.2.0/24'] });
    await value(revokeCredential, { tenantId, credentialId });
    for (const id of [credentialId, randomUUID()])
      expect(await identity(findCredential, { credentialId: id })).toEqual({
        ok: false,
        rejection: 'credential_not_found',
      });
  });
});

describe('signing in', () => {
  test("gives a token of one hour that carries the login's scopes, whatever the case of the name", async () => {
    const tenantId = await newTenant();
    const request = issueFor(tenantId, 'login', { scopes: ['wallet'], login: `Ann-${randomUUID()}@Example.org` });
    const { credentialId, secret: password } = await value(issueCredential, request);
    const session = await value(exchangeLogin, { login: ` ${request.login?.toUpperCase()} `, password });
    expect(session.expiresAt).toBe(new Date(clock().getTime() + 3_600_000).toISOString());
    expect(jwt.decode(session.token)).toMatchObject({
      jti: credentialId,
      sub: tenantId,
      scope: 'wallet',
      exp: clock().getTime() / 1_000 + 3_600,
    });
  });

  test('answers alike to a wrong password, an unknown name and a revoked login', async () => {
    const tenantId = await newTenant();
    const request = issueFor(tenantId, 'login');
    const { credentialId, secret } = await value(issueCredential, request);
    const invalid = { ok: false, rejection: 'login_invalid' };
    const login = request.login ?? '';
    expect(await identity(exchangeLogin, { login, password: `${secret}x` })).toEqual(invalid);
    expect(await identity(exchangeLogin, { login: 'nobody@example.org', password: secret })).toEqual(invalid);
    await value(exchangeLogin, { login, password: secret });
    await value(revokeCredential, { tenantId, credentialId });
    expect(await identity(exchangeLogin, { login, password: secret })).toEqual(invalid);
  });

  test('stops judging after five wrong tries, also at the same time, until the window ends', async () => {
    const tenantId = await newTenant();
    const request = issueFor(tenantId, 'login');
    const { secret: password } = await value(issueCredential, request);
    const login = request.login ?? '';
    const wrong = () => identity(exchangeLogin, { login, password: 'wrong' });
    for (let n = 0; n < 4; n++) expect(await wrong()).toMatchObject({ ok: false });
    expect(await identity(exchangeLogin, { login, password })).toMatchObject({ ok: true });

    const right = await Promise.all(Array.from({ length: 8 }, () => identity(exchangeLogin, { login, password })));
    expect(right.every(({ ok }) => ok)).toBe(true);

    const burst = await Promise.all(Array.from({ length: 20 }, wrong));
    expect(burst.every(({ ok }) => !ok)).toBe(true);
    expect(await identity(exchangeLogin, { login, password })).toEqual({ ok: false, rejection: 'login_invalid' });
    clock.advance(15 * 60_000 - 1);
    expect(await identity(exchangeLogin, { login, password })).toMatchObject({ ok: false });
    clock.advance(1);
    expect(await identity(exchangeLogin, { login, password })).toMatchObject({ ok: true });
  });

  test('keeps a name for one login, until that is revoked', async () => {
    const [tenantId, other] = [await newTenant(), await newTenant()];
    const login = `${randomUUID()}@example.org`;
    const results = await Promise.all(
      [tenantId, other, tenantId, other].map((tenant) =>
        identity(issueCredential, issueFor(tenant, 'login', { login })),
      ),
    );
    const winners = results.flatMap((result, index) => (result.ok ? [{ ...result.value, index }] : []));
    expect(winners).toHaveLength(1);
    expect(results.filter((result) => !result.ok && result.rejection === 'login_taken')).toHaveLength(3);
    const { credentialId, secret, index } = winners[0]!;
    await value(exchangeLogin, { login, password: secret });
    await value(revokeCredential, { tenantId: index % 2 === 0 ? tenantId : other, credentialId });
    const next = await value(issueCredential, issueFor(other, 'login', { login }));
    await value(exchangeLogin, { login, password: next.secret });
  });
});

describe('request signatures', () => {
  test("are valid only as made, with the credential's own key", async () => {
    const tenantId = await newTenant();
    const { credentialId, signingSecret } = await value(issueCredential, issueFor(tenantId, 'token'));
    const payload = 'POST\n/pay/v1/transfer\n{"amount":150.00,"note":"für Ann"}';
    const right = createHmac('sha256', signingSecret ?? '')
      .update(payload)
      .digest('hex');
    const verify = async (signature: string, changes: Partial<CallRequest<typeof verifySignature>> = {}) =>
      (await value(verifySignature, { credentialId, payload, signature, ...changes })).valid;
    expect(await verify(right)).toBe(true);
    expect(await verify(right.toUpperCase())).toBe(true);
    const flipped = right.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    for (const wrong of [
      flipped,
      '',
      right.slice(2),
      `${right}00`,
      `${right.slice(0, -1)}g`,
      ` ${right}`,
      'é'.repeat(64),
    ])
      expect(await verify(wrong)).toBe(false);
    expect(await verify(right, { payload: `${payload} ` })).toBe(false);
    expect(await verify(right, { credentialId: 'key_UNKNOWN' })).toBe(false);

    const { credentialId: keyless } = await value(issueCredential, issueFor(tenantId, 'client'));
    expect(await verify(right, { credentialId: keyless })).toBe(false);
    await value(revokeCredential, { tenantId, credentialId });
    expect(await verify(right)).toBe(false);
  });

  test('stay valid when the key that theirs is sealed under is replaced, in the process before it and in the one after', async () => {
    const next = randomBytes(32).toString('base64');
    const [before, after] = await Promise.all([
      startBeside({ SECRETS_KEYS_OLD: next }),
      startBeside({ SECRETS_KEY: next, SECRETS_KEYS_OLD: settings.SECRETS_KEY! }),
    ]);
    const tenantId = await newTenant();
    for (const issuer of [before, after]) {
      const issued = await issuer.call(issueCredential, issueFor(tenantId, 'token'));
      if (!issued.ok) throw new Error(issued.rejection);
      const { credentialId, signingSecret } = issued.value;
      const signature = createHmac('sha256', signingSecret ?? '')
        .update('payload')
        .digest('hex');
      const asked = { credentialId, payload: 'payload', signature };
      for (const verifier of [before, after])
        expect(await verifier.call(verifySignature, asked)).toEqual({ ok: true, value: { valid: true } });
    }
  });
});

/** Another process of the service, on the same database. It is stopped in the end. */
async function startBeside(more: Record<string, string>) {
  const beside = createService(loadConfig({ ...settings, ...more }), {
    now: clock,
    logger,
    onFatal: (error) => fatal.push(error),
  });
  const { url } = await beside.start();
  const call = callClient({ baseUrl: url, token: new Secret(token) });
  besides.push(call, beside);
  return { call };
}
