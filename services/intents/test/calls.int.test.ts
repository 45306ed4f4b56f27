import { randomUUID } from 'node:crypto';
import { eventually } from '@daybook/testing';
import { created, depositMessage, depositOf, expectIntent, intentsRig, ttlMs, type IntentsRig } from './intents-rig';

let rig: IntentsRig;
beforeAll(async () => {
  rig = await intentsRig();
});
afterAll(() => rig.close());

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('create-intent', () => {
  test('makes one intent of 50 concurrent repeats', async () => {
    const orderId = randomUUID();
    const answers = await Promise.all(Array.from({ length: 50 }, () => rig.create({ orderId })));
    const values = answers.map((answer) => (answer.ok ? answer.value : undefined));
    const ids = new Set(values.map((value) => value?.intent.intentId));
    expect(ids.size).toBe(1);
    const [intentId] = [...ids] as [string];
    expect(intentId).toMatch(uuidV4);
    expect(values.filter((value) => value?.replayed === false)).toHaveLength(1);
    for (const value of values) expect(value?.intent).toEqual(values[0]?.intent);
    expect(await rig.eventsOf(intentId)).toHaveLength(1);
    expect(new Set(rig.allocations.filter((reference) => reference === intentId)).size).toBe(1);
  });

  test('an idempotency key belongs to one content', async () => {
    const request = { idempotencyKey: randomUUID(), orderId: 'INV_1', amount: 10n };
    const first = await created(rig, request);
    expect(await rig.create(request)).toMatchObject({ ok: true, value: { replayed: true, intent: first } });
    const reused = { ok: false, rejection: 'idempotency_key_reused' };
    expect(await rig.create({ ...request, amount: 11n })).toEqual(reused);
    expect(await rig.create({ ...request, orderId: 'INV_2' })).toEqual(reused);
    expect(await rig.create({ ...request, currency: 'SOL' })).toEqual(reused);
    const otherMode = await created(rig, { ...request, mode: 'live' });
    expect(otherMode.intentId).not.toBe(first.intentId);
    expect(await rig.eventsOf(first.intentId)).toHaveLength(1);
  });

  test('without a key, an order is the same intent until it expires, and again after the next', async () => {
    const orderId = randomUUID();
    const ids: string[] = [];
    for (let attempt = 1; attempt <= 5; attempt++) {
      const intent = await created(rig, { orderId });
      expect((await created(rig, { orderId })).intentId).toBe(intent.intentId);
      ids.push(intent.intentId);
      rig.now.advance(ttlMs);
      await expectIntent(rig, intent.intentId, { status: 'expired' });
    }
    expect(new Set(ids).size).toBe(5);
    const last = await created(rig, { orderId });
    expect(ids).not.toContain(last.intentId);
    await rig.publish([depositMessage('confirmed', depositOf(last, 10n, rig.now().toISOString()))]);
    await expectIntent(rig, last.intentId, { status: 'settled' });
    expect(await rig.create({ orderId })).toMatchObject({
      ok: true,
      value: { replayed: true, intent: { intentId: last.intentId, status: 'settled' } },
    });
    expect((await created(rig, { orderId, amount: 11n })).intentId).not.toBe(last.intentId);
  });

  test.each(['a\0b', '\ud800', 'x'.repeat(201), ''])(
    'refuses the order %j, which no table could hold or find',
    async (orderId) => {
      await expect(rig.create({ orderId })).rejects.toThrow('breaks the contract');
      const tenantId = randomUUID();
      const intent = await created(rig, { tenantId, orderId: '\u{1F4B0}'.repeat(100) });
      expect(await rig.list({ tenantId })).toMatchObject({ value: { intents: [intent] } });
    },
  );

  test('says when a currency has no address to give, and records nothing', async () => {
    expect(await rig.create({ currency: 'UPI' })).toEqual({ ok: false, rejection: 'currency_not_available' });
  });
});

describe('get-intent', () => {
  test("finds the caller's own, at once, and nothing else", async () => {
    const intent = await created(rig);
    expect(await rig.get({ intentId: intent.intentId })).toEqual({ ok: true, value: { intent } });
    expect(await rig.get({ intentId: intent.intentId.toUpperCase() })).toEqual({ ok: true, value: { intent } });
    const notFound = { ok: false, rejection: 'intent_not_found' };
    expect(await rig.get({ intentId: intent.intentId, tenantId: randomUUID() })).toEqual(notFound);
    expect(await rig.get({ intentId: intent.intentId, mode: 'live' })).toEqual(notFound);
    expect(await rig.get({ intentId: randomUUID() })).toEqual(notFound);
    expect(await rig.get({ intentId: `${intent.intentId}' or 1=1` })).toEqual(notFound);
  });
});

describe('list-intents', () => {
  test('pages newest first, each once, while others are being created', async () => {
    const tenantId = randomUUID();
    const before: string[] = [];
    for (let n = 0; n < 12; n++) {
      // Three share each millisecond.
      if (n % 3 === 0) rig.now.advance(1);
      before.push((await created(rig, { tenantId })).intentId);
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await rig.list({ tenantId, limit: 5, cursor });
      if (!page.ok) throw new Error(page.rejection);
      seen.push(...page.value.intents.map(({ intentId }) => intentId));
      cursor = page.value.nextCursor;
      rig.now.advance(1);
      await created(rig, { tenantId });
    } while (cursor !== null);
    expect([...seen].sort()).toEqual([...before].sort());
    const newest = await rig.list({ tenantId, limit: 1 });
    const total = await rig.list({ tenantId });
    if (!newest.ok || !total.ok) throw new Error('refused');
    expect(total.value.intents[0]).toEqual(newest.value.intents[0]);
    expect(total.value.intents.map(({ createdAt }) => createdAt)).toEqual(
      total.value.intents
        .map(({ createdAt }) => createdAt)
        .sort()
        .reverse(),
    );
  });

  test('filters by status and order, keeps tenants and modes apart, and refuses a cursor it did not write', async () => {
    const tenantId = randomUUID();
    const open = await created(rig, { tenantId, orderId: 'A' });
    const paid = await created(rig, { tenantId, orderId: 'B' });
    await created(rig, { tenantId, orderId: 'A', mode: 'live' });
    await rig.publish([depositMessage('confirmed', depositOf(paid, 10n, rig.now().toISOString()))]);
    const ids = async (request: Parameters<typeof rig.list>[0]) => {
      const page = await rig.list({ tenantId, ...request });
      return page.ok ? page.value.intents.map(({ intentId }) => intentId) : page.rejection;
    };
    await eventually(async () => expect(await ids({ status: 'settled' })).toHaveLength(1), { timeoutMs: 15_000 });
    expect(await ids({ status: 'settled' })).toEqual([paid.intentId]);
    expect(await ids({ status: 'pending' })).toEqual([open.intentId]);
    expect(await ids({ orderId: 'A' })).toEqual([open.intentId]);
    expect(await ids({ orderId: 'A', status: 'settled' })).toEqual([]);
    expect(await ids({ tenantId: randomUUID() })).toEqual([]);
    for (const cursor of ['x', '', 'WzFd', Buffer.from('["2026-03-01","x"]').toString('base64url')])
      expect(await ids({ cursor })).toBe('cursor_invalid');
  });
});
