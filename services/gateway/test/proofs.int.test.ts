import {
  getLedgerStatus,
  getTransactionProof,
  listSigningKeys,
  parkedCalls,
  planExport,
  readExport,
  serviceStatusCall,
  type CallContract,
} from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import { GatewayHarness, type TestCredential } from './harness';

const at = '2026-02-11T10:00:00.000Z';
const hash = 'ARpcoqKLAH8NiXvmQ8mRlA8k5jxQ9WK7Ss21hZ0uD1o=';
const checkpoint = { text: 'signed\n', signature: 'c2ln', size: 9, keyId: 'ab', signedAt: at, sequence: 9 };
const shown = { text: 'signed\n', signature: 'c2ln', size: 9, key_id: 'ab', signed_at: at, sequence: 9 };

const gateway = new GatewayHarness();
let reader: TestCredential;
let operator: TestCredential;

beforeAll(async () => {
  await gateway.start();
  reader = await gateway.issue('api_key', ['ledger:read']);
  operator = await gateway.issue('token', ['ops']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const get = (who: TestCredential, path: string) => gateway.request('GET', path, { headers: who.headers });
const refusing = <Call extends CallContract>(call: Call, rejection: string) =>
  gateway.services.respond(call)(() => ({ ok: false, rejection }) as never);

describe('the proof of a transaction', () => {
  const path = '/v1/ledger/transactions/TX1/proof';
  beforeEach(() =>
    gateway.services.respond(getTransactionProof)(({ since }) => ({
      ok: true,
      value: {
        transactionId: 'TX1',
        sequence: 3,
        payload: 'e30=',
        checkpoint,
        inclusion: [hash],
        consistency: since === null ? null : [hash, hash],
      },
    })),
  );

  test('is the bytes, the path and the checkpoint, and on request the path from an earlier size', async () => {
    const body = { transaction_id: 'TX1', sequence: 3, payload_base64: 'e30=', inclusion: [hash], checkpoint: shown };
    expect(await get(reader, path)).toMatchObject({ status: 200, body: { ...body, consistency: null } });
    expect((await get(reader, `${path}?since=5`)).body.consistency).toEqual([hash, hash]);
  });

  test('is of the transaction at the sequence that is asked for, where the id is of two', async () => {
    const own = `${reader.tenantId}/TX1`;
    gateway.services.respond(getTransactionProof)(({ transactionId, sequence: asked }) => {
      const sequence = transactionId === own ? 7 : 3;
      if (asked !== undefined && asked !== sequence) return { ok: false, rejection: 'transaction_not_found' };
      return {
        ok: true,
        value: { transactionId, sequence, payload: 'e30=', checkpoint, inclusion: [], consistency: null },
      };
    });
    for (const [query, sequence] of [
      ['', 7],
      ['?sequence=7', 7],
      ['?sequence=3', 3],
    ] as const)
      expect(await get(reader, path + query)).toMatchObject({ status: 200, body: { transaction_id: 'TX1', sequence } });
    expect((await get(reader, `${path}?sequence=4`)).status).toBe(404);
    expect(await get(reader, `${path}?sequence=-1`)).toMatchObject({ status: 400, body: { field: 'sequence' } });
  });

  test('is asked for in the name of the tenant, and by operators for all', async () => {
    await get(reader, path);
    await get(operator, path);
    const [first, second] = gateway.services.received(getTransactionProof);
    const own = `${reader.tenantId}/TX1`;
    expect(first).toMatchObject({ tenantId: reader.tenantId, mode: reader.mode, transactionId: own, since: null });
    expect(second).toMatchObject({ tenantId: null });
  });

  test.each([
    ['transaction_not_found', 404, 'TRANSACTION_NOT_FOUND'],
    ['withheld', 403, 'PROOF_WITHHELD'],
    ['not_signed_yet', 409, 'NOT_SIGNED_YET'],
    ['since_beyond_checkpoint', 400, 'INVALID_REQUEST'],
  ])('%s is answered with %i', async (rejection, status, code) => {
    refusing(getTransactionProof, rejection);
    expect(await get(reader, path)).toMatchObject({ status, body: { code } });
  });

  test.each(['since=0', 'since=x', 'since=-1', 'other=1'])('?%s is refused', async (query) => {
    expect((await get(reader, `${path}?${query}`)).status).toBe(400);
    expect(gateway.services.count()).toBe(0);
  });
});

test('the keys of a book are for everybody', async () => {
  gateway.services.respond(listSigningKeys)(() => ({
    ok: true,
    value: {
      origin: 'daybook/book-live',
      keys: [
        { keyId: 'ab', publicKey: hash, after: 0, upTo: 5, introducedBy: null },
        { keyId: 'cd', publicKey: hash, after: 5, upTo: null, introducedBy: { text: 't', signature: 's' } },
      ],
      latest: checkpoint,
    },
  }));
  const key = { algorithm: 'Ed25519', public_key: hash };
  expect(await gateway.request('GET', '/v1/ledger/keys')).toMatchObject({
    status: 200,
    body: {
      origin: 'daybook/book-live',
      keys: [
        { ...key, key_id: 'ab', signs_after: 0, signs_up_to: 5, introduced_by: null },
        { ...key, key_id: 'cd', signs_after: 5, signs_up_to: null, introduced_by: { text: 't', signature: 's' } },
      ],
      latest_checkpoint: shown,
    },
  });
  await gateway.request('GET', '/v1/ledger/keys?mode=sandbox');
  expect(gateway.services.received(listSigningKeys).map(({ mode }) => mode)).toEqual(['live', 'sandbox']);
});

describe('the export of the journal', () => {
  const path = '/v1/ops/journal/export';
  const plan = (last: number, leftOut: number | null = null) =>
    gateway.services.respond(planExport)(() => ({
      ok: true,
      value: { first: 2, last, leftOut, header: 'h\n', manifest: 'm\n' },
    }));

  test('is header, pages and manifest, in lines', async () => {
    plan(6);
    gateway.services.respond(readExport)(({ next }) => ({
      ok: true,
      value: { lines: `${next}\n${next + 1}\n`, next: next + 2 },
    }));
    const answer = await get(operator, `${path}?from=2&to=2026-02-11T11:00:00%2B01:00`);
    expect(answer).toMatchObject({ status: 200, text: 'h\n2\n3\n4\n5\n6\n7\nm\n' });
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    const range = { from: { sequence: 2 }, to: { instant: at } };
    expect(gateway.services.received(planExport)).toEqual([{ mode: operator.mode, ...range }]);
  });

  test('of nothing has no pages', async () => {
    plan(1);
    expect((await get(operator, path)).text).toBe('h\nm\n');
    expect(gateway.services.received(planExport)).toEqual([{ mode: operator.mode, from: null, to: null }]);
  });

  test('names the checkpoint that it ends before', async () => {
    const named = async () => (await get(operator, path)).headers.get('checkpoint-left-out');
    plan(1, 2);
    expect(await named()).toBe('2');
    plan(1);
    expect(await named()).toBeNull();
  });

  test('is cut off when it cannot go on, so that nobody takes it for the whole', async () => {
    plan(6);
    refusing(readExport, 'range_invalid');
    await expect(get(operator, path)).rejects.toThrow('terminated');
  });

  test('is for operators alone, and refuses what is no range', async () => {
    expect((await get(reader, path)).status).toBe(403);
    for (const query of ['from=x', 'to=-1', 'from=2026-02-11', 'mode=live'])
      expect([query, (await get(operator, `${path}?${query}`)).status]).toEqual([query, 400]);
    expect((await get(operator, `${path}?to=-1`)).body).toMatchObject({
      field: 'to',
      title: 'to: must be a sequence, or an instant such as 2026-02-01T00:00:00Z',
    });
    expect(gateway.services.count()).toBe(0);
    refusing(planExport, 'range_invalid');
    for (const [query, field] of [
      ['from=9', 'from'],
      ['from=9&to=2026-02-11T10:00:00Z', 'from'],
      ['to=9', 'to'],
      ['from=0&to=9', 'to'],
      ['from=2026-02-11T10:00:00Z&to=9', 'to'],
    ])
      expect([query, await get(operator, `${path}?${query}`)]).toMatchObject([
        query,
        { status: 400, body: { field, title: expect.stringContaining('beyond the end of the journal') } },
      ]);
  });
});

describe('the status', () => {
  const consuming = ['intents', 'ledger', 'settlement', 'notifications'];
  const books = [{ mode: 'live' as const, events: 10, lastCheckpoint: { size: 9, signedAt: at, keyId: 'ab' } }];
  const readers = [{ name: 'ledger_v1', applied: 8, lag: 2, movedAt: at }];
  const waiting = (service: string) => [{ name: `relay ${service}`, waitsS: service.length }];
  beforeEach(() => {
    gateway.services.respond(getLedgerStatus)(() => ({ ok: true, value: { books, readers } }));
    for (const service of [...consuming, 'identity', 'chain-watcher'])
      gateway.services.respond(serviceStatusCall(service))(() => ({
        ok: true,
        value: {
          readers: waiting(service),
          oldestWriter:
            service === 'identity' ? null : { application: `of ${service}`, database: 'd', ageS: service.length },
        },
      }));
    for (const service of consuming)
      gateway.services.respond(parkedCalls(service).list)(() => ({ ok: true, value: { keys: [], more: false } }));
  });

  test.each([undefined, null, 0, 61.5])('tells of all there is, late by %s', async (signingLateS) => {
    const told = books.map((book) => ({ ...book, ...(signingLateS !== undefined && { signingLateS }) }));
    gateway.services.respond(getLedgerStatus)(() => ({ ok: true, value: { books: told, readers } }));
    const { status, body } = await get(operator, '/v1/ops/status');
    expect(status).toBe(200);
    const names = ['chain-watcher', 'gateway', 'identity', 'intents', 'ledger', 'notifications', 'settlement'];
    expect(body).toEqual({
      services: names.map((name) => ({
        name,
        ready: true,
        readers: name === 'gateway' ? [] : [{ name: `relay ${name}`, waits_s: name.length }],
      })),
      books: [
        {
          mode: 'live',
          events: 10,
          last_checkpoint: { size: 9, signed_at: at, key_id: 'ab' },
          signing_late_s: signingLateS ?? null,
        },
      ],
      readers: [{ name: 'ledger_v1', applied: 8, lag: 2, moved_at: at }],
      oldest_writer: { application: 'of chain-watcher', database: 'd', age_s: 13 },
      parked_keys: 0,
    });
  });

  test('tells which service is not ready', async () => {
    gateway.services.respond(serviceStatusCall('intents'))(() => {
      throw new OperationalError('store_unavailable', true);
    });
    const { services } = (await get(operator, '/v1/ops/status')).body as { services: { name: string }[] };
    expect(services.find(({ name }) => name === 'intents')).toEqual({ name: 'intents', ready: false, readers: null });
    expect(services.filter((each) => 'ready' in each && each.ready === false)).toHaveLength(1);
  });
});
