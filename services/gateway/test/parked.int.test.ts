import { OperationalError } from '@daybook/core';
import { parkedCalls, type CallOutcome, type ParkedCalls } from '@daybook/contracts';
import { eventually } from '@daybook/testing';
import { GatewayHarness, type Sent, type TestCredential } from './harness';

const gateway = new GatewayHarness();
let operator: TestCredential;

const elsewhere = ['intents', 'ledger', 'settlement', 'notifications'] as const;
const callsOf = Object.fromEntries(elsewhere.map((service) => [service, parkedCalls(service)])) as Record<
  (typeof elsewhere)[number],
  ParkedCalls
>;

beforeAll(async () => {
  await gateway.start();
  operator = await gateway.issue('token', ['ops']);
});
afterAll(() => gateway.stop());
beforeEach(() => {
  gateway.services.reset();
  for (const { list } of Object.values(callsOf)) answer(list, []);
});

const send = (method: string, path: string, sent: Sent = {}) =>
  gateway.request(method, path, { ...sent, headers: { ...operator.headers, ...sent.headers } });
const redrive = (body: unknown) => send('POST', '/v1/ops/parked/redrive', { body });

type Listed = Extract<CallOutcome<ParkedCalls['list']>, { ok: true }>['value'];

function answer(list: ParkedCalls['list'], keys: Listed['keys'], more = false): void {
  gateway.services.respond(list)(() => ({ ok: true, value: { keys, more } }));
}

function parkedKey(key: string, minute: number): Listed['keys'][number] {
  const firstParkedAt = `2026-02-11T10:0${minute}:00.000Z`;
  return { group: 'g', topic: 't', key, messages: 2, firstParkedAt, cause: 'Error: no', types: ['IntentPaid'] };
}

describe('what is parked', () => {
  test('is listed of all services together, oldest first', async () => {
    answer(callsOf.ledger.list, [parkedKey('second', 2)]);
    answer(callsOf.settlement.list, [parkedKey('first', 1), parkedKey('third', 3)]);
    const { status, body } = await send('GET', '/v1/ops/parked');
    expect(status).toBe(200);
    const shown = { group: 'g', topic: 't', messages: 2, cause: 'Error: no', types: ['IntentPaid'] };
    expect(body).toEqual({
      parked: [
        { ...shown, service: 'settlement', key: 'first', first_parked_at: '2026-02-11T10:01:00.000Z' },
        { ...shown, service: 'ledger', key: 'second', first_parked_at: '2026-02-11T10:02:00.000Z' },
        { ...shown, service: 'settlement', key: 'third', first_parked_at: '2026-02-11T10:03:00.000Z' },
      ],
      more: false,
      unavailable: [],
    });
  });

  test('says when there is more, whoever has it', async () => {
    answer(callsOf.ledger.list, [parkedKey('second', 2)]);
    answer(callsOf.settlement.list, [parkedKey('first', 1)]);
    expect(await send('GET', '/v1/ops/parked?limit=1')).toMatchObject({
      body: { parked: [{ key: 'first' }], more: true },
    });
    answer(callsOf.ledger.list, [], true);
    expect(await send('GET', '/v1/ops/parked')).toMatchObject({ body: { parked: [{ key: 'first' }], more: true } });
  });

  test('is filtered by the services themselves, and asked only of the one that is named', async () => {
    expect((await send('GET', '/v1/ops/parked?group=g&topic=t&key=k&limit=7')).status).toBe(200);
    for (const { list } of Object.values(callsOf)) {
      expect(gateway.services.received(list)).toEqual([{ group: 'g', topic: 't', key: 'k', limit: 7 }]);
    }
    expect((await send('GET', '/v1/ops/parked?service=ledger')).status).toBe(200);
    expect(elsewhere.map((service) => gateway.services.received(callsOf[service].list).length)).toEqual([1, 2, 1, 1]);
    expect(await send('GET', '/v1/ops/parked?service=identity')).toMatchObject({
      status: 400,
      body: { field: 'service' },
    });
  });

  test('is missing of a service that does not answer, which is named', async () => {
    answer(callsOf.ledger.list, [parkedKey('first', 1)]);
    gateway.services.respond(callsOf.settlement.list)(() => {
      throw new OperationalError('store_unavailable', true);
    });
    expect(await send('GET', '/v1/ops/parked')).toMatchObject({
      status: 200,
      body: { parked: [{ service: 'ledger', key: 'first' }], unavailable: ['settlement'] },
    });
    gateway.services.fail(503);
    expect(await send('GET', '/v1/ops/parked')).toMatchObject({
      status: 200,
      body: { parked: [], unavailable: [...elsewhere] },
    });
  });
});

describe('a parked key', () => {
  const named = { service: 'ledger', group: 'g', key: 'k' };

  test('is redriven by its service, in the name of the credential', async () => {
    gateway.services.respond(callsOf.ledger.redrive)(() => ({
      ok: true,
      value: { handled: 1, stillParked: 2, cause: 'Error: no' },
    }));
    expect(await redrive(named)).toMatchObject({
      status: 200,
      body: { ...named, handled: 1, still_parked: 2, cause: 'Error: no' },
    });
    expect(gateway.services.received(callsOf.ledger.redrive)).toEqual([
      { group: 'g', key: 'k', actor: operator.credentialId },
    ]);
  });

  test('that is not parked, or of a service that does not answer, is told so', async () => {
    gateway.services.respond(callsOf.ledger.redrive)(() => ({ ok: false, rejection: 'parked_key_not_found' }));
    expect(await redrive(named)).toMatchObject({ status: 404, body: { code: 'PARKED_KEY_NOT_FOUND' } });
    gateway.services.fail(503);
    expect((await redrive(named)).status).toBe(503);
  });

  test.each([
    ['service', { ...named, service: 'identity' }],
    ['group', { ...named, group: '' }],
    ['key', { service: 'ledger', group: 'g' }],
    ['key', { ...named, key: 'a\0b' }],
    ['topic', { ...named, topic: 't' }],
  ])('is refused with a wrong %s by name', async (field, body) => {
    expect(await redrive(body)).toMatchObject({ status: 400, body: { field } });
    expect(gateway.services.count()).toBe(0);
  });

  test('of the gateway itself is listed and redriven, and no call of it is open to the outside', async () => {
    const key = 'unread';
    await gateway.publishUnreadable(key);
    await eventually(
      async () =>
        expect(await send('GET', '/v1/ops/parked?service=gateway')).toMatchObject({
          body: { parked: [{ service: 'gateway', key, types: [] }], unavailable: [] },
        }),
      { timeoutMs: 10_000 },
    );
    const { parked } = (await send('GET', '/v1/ops/parked?service=gateway')).body as { parked: { group: string }[] };
    const group = parked[0]!.group;
    expect(await redrive({ service: 'gateway', group, key })).toMatchObject({
      status: 200,
      body: { handled: 0, still_parked: 1, cause: expect.stringContaining('Undecodable') },
    });
    expect(await redrive({ service: 'gateway', group, key: 'other' })).toMatchObject({ status: 404 });
    expect((await fetch(`${gateway.url}/calls/gateway.list-parked`, { method: 'POST' })).status).toBe(404);
  });
});
