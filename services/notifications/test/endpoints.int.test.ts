import { randomBytes, randomUUID } from 'node:crypto';
import {
  listDeliveries,
  listEndpoints,
  redeliver,
  registerEndpoint,
  removeEndpoint,
  transferStatusChanged,
} from '@daybook/contracts';
import type { CallClient } from '@daybook/http';
import { eventually, type LogLine } from '@daybook/testing';
import { confirmedTransfer, messageFor, payEndpoint, startHarness, valueOf, type Harness } from './harness';

let harness: Harness;
let call: CallClient;
let stopService: () => Promise<void>;
const soon = { timeoutMs: 10_000 };

beforeAll(async () => {
  harness = await startHarness();
  await startService();
});
afterAll(async () => {
  await harness?.stop();
  expect(harness.fatal).toEqual([]);
});

async function startService(): Promise<void> {
  ({ call, stop: stopService } = await harness.run());
}

async function publishTo(tenantId: string, count: number): Promise<void> {
  const messages = Array.from({ length: count }, () => {
    const transfer = confirmedTransfer(tenantId);
    return messageFor(transferStatusChanged, transfer, { stream: transfer.transferId, revision: 1n });
  });
  await harness.transport.publish(messages);
}

describe('endpoints', () => {
  test('are registered once: a repeat adds events and answers the same secret', async () => {
    const tenantId = randomUUID();
    const request = payEndpoint(tenantId, 'http://127.0.0.1:9/hook');
    const first = await valueOf(call, registerEndpoint, request);
    expect(first.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const second = await valueOf(call, registerEndpoint, { ...request, events: ['transfer.failed'] });
    expect(second.secret).toBe(first.secret);
    expect(second.endpoint).toEqual({ ...first.endpoint, events: ['transfer.confirmed', 'transfer.failed'] });
    const scoped = await valueOf(call, registerEndpoint, { ...request, accountId: 'WALLET1' });
    expect(scoped.endpoint.endpointId).not.toBe(first.endpoint.endpointId);
    expect(scoped.secret).not.toBe(first.secret);
    const listed = await valueOf(call, listEndpoints, { tenantId, mode: 'sandbox', accountId: null });
    expect(listed.endpoints).toEqual([second.endpoint, scoped.endpoint]);
    expect(await valueOf(call, listEndpoints, { tenantId, mode: 'live', accountId: null })).toEqual({ endpoints: [] });
  });

  test('are one for each receiver, however its url is written', async () => {
    const tenantId = randomUUID();
    const register = (url: string) => valueOf(call, registerEndpoint, payEndpoint(tenantId, url));
    const first = await register('HTTP://127.0.0.1:09/hook#one');
    for (const url of ['http://127.0.0.1:9/hook', 'http://127.1:9/a/../hook', 'http://127.0.0.1:9/hook#two'])
      expect(await register(url)).toEqual(first);
    for (const url of ['http://127.0.0.1:9/hook/', 'http://127.0.0.1:9/hook?', 'http://127.0.0.1:10/hook'])
      expect((await register(url)).secret).not.toBe(first.secret);
  });

  test('are twenty at most, also when they are registered at the same time', async () => {
    const tenantId = randomUUID();
    const results = await Promise.all(
      Array.from({ length: 24 }, (_, n) => call(registerEndpoint, payEndpoint(tenantId, `http://127.0.0.1:9/${n}`))),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(20);
    expect(results.filter((result) => !result.ok && result.rejection === 'endpoints_exhausted')).toHaveLength(4);
    const { endpoints } = await valueOf(call, listEndpoints, { tenantId, mode: 'sandbox', accountId: null });
    await valueOf(call, removeEndpoint, {
      tenantId,
      mode: 'sandbox',
      accountId: null,
      endpointId: endpoints[0]!.endpointId,
    });
    await valueOf(call, registerEndpoint, payEndpoint(tenantId, 'http://127.0.0.1:9/another'));
  });

  test('of one wallet that has all it may have leave room for those of another, and of the tenant', async () => {
    const tenantId = randomUUID();
    const register = (accountId: string | null, url: string) =>
      call(registerEndpoint, payEndpoint(tenantId, `http://127.0.0.1:9/${url}`, { accountId }));
    for (let n = 0; n < 20; n++) expect(await register('WALLET1', `${n}`)).toMatchObject({ ok: true });
    expect(await register('WALLET1', 'one-more')).toEqual({ ok: false, rejection: 'endpoints_exhausted' });
    expect(await register('WALLET2', '0')).toMatchObject({ ok: true });
    expect(await register(null, '0')).toMatchObject({ ok: true });
    const intents = { dialect: 'intents' as const, events: ['intent.settled' as const] };
    const { endpoint } = await valueOf(
      call,
      registerEndpoint,
      payEndpoint(tenantId, 'http://127.0.0.1:9/intents', intents),
    );
    const { endpoints } = await valueOf(call, listEndpoints, { tenantId, mode: 'sandbox', accountId: null });
    expect(endpoints).toHaveLength(23);
    expect(endpoints.at(-1)).toEqual(endpoint);
  });

  test('belong to their tenant and mode', async () => {
    const tenantId = randomUUID();
    const { endpoint } = await valueOf(call, registerEndpoint, payEndpoint(tenantId, 'http://127.0.0.1:9/'));
    const { endpointId } = endpoint;
    const foreign = [
      { tenantId: randomUUID(), mode: 'sandbox', accountId: null, endpointId },
      { tenantId, mode: 'live', accountId: null, endpointId },
    ] as const;
    for (const where of foreign) {
      expect(await call(removeEndpoint, where)).toEqual({ ok: false, rejection: 'endpoint_not_found' });
      expect(await call(listDeliveries, { ...where, limit: 10, cursor: null })).toEqual({
        ok: false,
        rejection: 'endpoint_not_found',
      });
    }
    expect((await valueOf(call, listEndpoints, { tenantId, mode: 'sandbox', accountId: null })).endpoints).toEqual([
      endpoint,
    ]);
  });

  test('are for an account its own only, as are their deliveries', async () => {
    const tenantId = randomUUID();
    const at = await harness.receiver();
    const register = async (accountId: string | null) =>
      (await valueOf(call, registerEndpoint, payEndpoint(tenantId, at.url, { accountId }))).endpoint;
    const [own, another, all] = [await register('WALLET123'), await register('WALLET2'), await register(null)];
    await publishTo(tenantId, 1);
    await eventually(() => expect(at.received).toHaveLength(2), soon);
    const where = { tenantId, mode: 'sandbox', accountId: 'WALLET123' } as const;
    const page = { limit: 10, cursor: null };
    const deliveryOf = async ({ endpointId }: typeof own) => {
      const asked = { ...where, ...page, accountId: null, endpointId };
      return (await valueOf(call, listDeliveries, asked)).deliveries[0]!.deliveryId;
    };

    expect((await valueOf(call, listEndpoints, where)).endpoints).toEqual([own]);
    for (const { endpointId } of [another, all]) {
      const notFound = { ok: false, rejection: 'endpoint_not_found' };
      expect(await call(listDeliveries, { ...where, ...page, endpointId })).toEqual(notFound);
      expect(await call(removeEndpoint, { ...where, endpointId })).toEqual(notFound);
    }
    const [mine, theirs] = [await deliveryOf(own), await deliveryOf(all)];
    expect((await valueOf(call, listDeliveries, { ...where, ...page, endpointId: own.endpointId })).deliveries).toEqual(
      [expect.objectContaining({ deliveryId: mine })],
    );
    expect(await call(redeliver, { ...where, deliveryId: mine })).toMatchObject({ ok: true });
    expect(await call(redeliver, { ...where, deliveryId: theirs })).toEqual({
      ok: false,
      rejection: 'delivery_not_found',
    });
    expect(await call(removeEndpoint, { ...where, endpointId: own.endpointId })).toMatchObject({ ok: true });
    const left = await valueOf(call, listEndpoints, { ...where, accountId: null });
    expect(left.endpoints).toEqual([another, all]);
  });

  test('are removed once, and a repeat by the owner gets the same answer', async () => {
    const tenantId = randomUUID();
    const { endpoint } = await valueOf(call, registerEndpoint, payEndpoint(tenantId, 'http://127.0.0.1:9/'));
    const mine = { tenantId, mode: 'sandbox', accountId: null, endpointId: endpoint.endpointId } as const;
    const answers = await Promise.all(Array.from({ length: 10 }, () => call(removeEndpoint, mine)));
    for (const answer of [...answers, await call(removeEndpoint, mine)])
      expect(answer).toEqual({ ok: true, value: {} });
    expect(await valueOf(call, listEndpoints, { tenantId, mode: 'sandbox', accountId: null })).toEqual({
      endpoints: [],
    });
    const notFound = { ok: false, rejection: 'endpoint_not_found' };
    for (const other of [{ tenantId: randomUUID() }, { mode: 'live' as const }, { endpointId: randomUUID() }])
      expect(await call(removeEndpoint, { ...mine, ...other })).toEqual(notFound);
    expect(await call(listDeliveries, { ...mine, limit: 10, cursor: null })).toEqual(notFound);
  });

  test.each([
    ['https://user:pass@merchant.example/', 'url_invalid'],
    ['http://merchant.example/', 'url_invalid'],
    ['https://merchant.example:22/', 'url_invalid'],
    ['https://169.254.169.254/latest/meta-data/', 'url_not_public'],
    ['https://[::ffff:a9fe:a9fe]/', 'url_not_public'],
    ['http://10.0.0.1/', 'url_invalid'],
    ['https://no-such-host.invalid/', 'url_not_public'],
  ])('refuse %s', async (url, rejection) => {
    expect(await call(registerEndpoint, payEndpoint(randomUUID(), url))).toEqual({ ok: false, rejection });
  });

  test('of the live mode are never on this machine', async () => {
    for (const url of ['http://127.0.0.1:9/', 'https://127.0.0.1/', 'https://localhost/'])
      expect(await call(registerEndpoint, payEndpoint(randomUUID(), url, { mode: 'live' }))).toMatchObject({
        ok: false,
      });
  });
});

describe('deliveries', () => {
  test('to a slow endpoint delay no other', async () => {
    const [slowTenant, fastTenant] = [randomUUID(), randomUUID()];
    const slow = await harness.receiver(() => undefined);
    const fast = await harness.receiver();
    await valueOf(call, registerEndpoint, payEndpoint(slowTenant, slow.url));
    await valueOf(call, registerEndpoint, payEndpoint(fastTenant, fast.url));
    await publishTo(slowTenant, 30);
    await eventually(() => expect(slow.received).toHaveLength(2), soon);
    await publishTo(fastTenant, 10);
    await eventually(() => expect(fast.received).toHaveLength(10), soon);
    expect(slow.received).toHaveLength(2);
  });

  test('to an endpoint whose secret cannot be opened fail, and those to others arrive', async () => {
    const [before, after] = [randomUUID(), randomUUID()];
    const at = await harness.receiver();
    const { endpoint } = await valueOf(call, registerEndpoint, payEndpoint(before, `${at.url}/before`));
    // As on a database that was restored beside another key.
    await stopService();
    const other = await harness.run({ secretsKey: randomBytes(32).toString('base64') });
    await valueOf(other.call, registerEndpoint, payEndpoint(after, `${at.url}/after`));
    await publishTo(before, 2);
    await publishTo(after, 2);
    await eventually(() => expect(at.received.map(({ path }) => path)).toEqual(['/hook/after', '/hook/after']), soon);
    const where = { tenantId: before, mode: 'sandbox', accountId: null, endpointId: endpoint.endpointId } as const;
    await eventually(async () => {
      const { deliveries } = await valueOf(other.call, listDeliveries, { ...where, limit: 10, cursor: null });
      const failed = { status: 'pending', attempts: 1, lastError: 'the secret cannot be opened' };
      expect(deliveries).toMatchObject([failed, failed]);
    }, soon);
    expect(harness.fatal).toEqual([]);
    const isLoud = ({ level, endpointId }: LogLine) => level === 'error' && endpointId === endpoint.endpointId;
    expect(harness.log.lines.filter(isLoud)).toHaveLength(2);
    await other.stop();
    await startService();
  });

  test('are listed newest first, page by page', async () => {
    const tenantId = randomUUID();
    const at = await harness.receiver();
    const { endpoint } = await valueOf(call, registerEndpoint, payEndpoint(tenantId, at.url));
    await publishTo(tenantId, 3);
    harness.clock.advance(1_000);
    await eventually(() => expect(at.received).toHaveLength(3), soon);
    await publishTo(tenantId, 4);
    await eventually(() => expect(at.received).toHaveLength(7), soon);
    const where = { tenantId, mode: 'sandbox', accountId: null, endpointId: endpoint.endpointId, limit: 3 } as const;
    const found: { deliveryId: string; createdAt: string }[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const page: { deliveries: typeof found; nextCursor: string | null } = await valueOf(call, listDeliveries, {
        ...where,
        cursor,
      });
      found.push(...page.deliveries);
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== null);
    expect(pages).toBe(3);
    expect(new Set(found.map(({ deliveryId }) => deliveryId)).size).toBe(7);
    const times = found.map(({ createdAt }) => createdAt);
    expect(times).toEqual([...times].sort().reverse());
    for (const wrong of ['', 'x', Buffer.from('a b').toString('base64url')])
      expect(await call(listDeliveries, { ...where, cursor: wrong })).toEqual({
        ok: false,
        rejection: 'cursor_invalid',
      });
  });

  test('leave one log line each, and no secret in any table or log line', async () => {
    const tenantId = randomUUID();
    const at = await harness.receiver();
    const { secret, endpoint } = await valueOf(
      call,
      registerEndpoint,
      payEndpoint(tenantId, `${at.url}?key=canary-key`),
    );
    await publishTo(tenantId, 1);
    await eventually(() => {
      const lines = harness.log.lines.filter(({ endpointId }) => endpointId === endpoint.endpointId);
      expect(lines).toMatchObject([{ msg: 'webhook delivered', correlationId: 'test', status: 204, attempt: 1 }]);
    }, soon);
    const pool = harness.database.pool('notifications');
    const tables = await pool.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_schema in ('notifications', 'messaging') and table_type = 'BASE TABLE'`,
    );
    const logged = JSON.stringify(harness.log.lines);
    for (const canary of [secret, secret.slice('whsec_'.length)]) {
      expect(logged).not.toContain(canary);
      for (const { name } of tables.rows) {
        const { rows } = await pool.query<{ row: string }>(`select to_json(t)::text as row from ${name} t`);
        const text = rows.map(({ row }) => row).join('\n');
        expect(text.includes(canary) || text.includes(Buffer.from(canary).toString('hex'))).toBe(false);
      }
    }
    expect(logged).not.toContain('canary-key');
  });
});
