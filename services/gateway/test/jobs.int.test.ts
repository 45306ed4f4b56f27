import { OperationalError } from '@daybook/core';
import { cancelJob, getJob, listJobs, startJob, type CallOutcome } from '@daybook/contracts';
import { eventually } from '@daybook/testing';
import { randomUUID } from 'node:crypto';
import { GatewayHarness, type Sent, type TestCredential } from './harness';

type JobView = Extract<CallOutcome<typeof getJob>, { ok: true }>['value']['job'];

const gateway = new GatewayHarness();
let operator: TestCredential;

beforeAll(async () => {
  await gateway.start();
  operator = await gateway.issue('token', ['ops']);
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const send = (method: string, path: string, sent: Sent = {}) =>
  gateway.request(method, path, { ...sent, headers: { ...operator.headers, ...sent.headers } });

const jobId = randomUUID();

function job(more: Partial<JobView> = {}): JobView {
  return {
    jobId,
    kind: 'check',
    mode: 'sandbox',
    parameters: { incremental: false },
    status: 'running',
    progress: { phase: 'reading', done: 1, total: 10, ratePerSecond: 2.5, etaSeconds: 4 },
    report: null,
    error: null,
    requestedBy: 'operator',
    requestedAt: '2026-02-11T10:06:10.000Z',
    startedAt: '2026-02-11T10:06:10.000Z',
    cancelRequestedAt: null,
    finishedAt: null,
    ...more,
  };
}

const finished = job({
  status: 'succeeded',
  report: { status: 'CLEAN' },
  finishedAt: '2026-02-11T10:06:20.000Z',
});

describe('a check', () => {
  test('is started in the mode and the name of the credential, once a key', async () => {
    let added = true;
    gateway.services.respond(startJob)(() => {
      const replayed = !added;
      added = false;
      return { ok: true, value: { job: job({ status: 'queued', startedAt: null }), replayed } };
    });
    const start = () =>
      send('POST', '/v1/ops/checks', { headers: { 'Idempotency-Key': 'daily' }, body: { incremental: true } });
    const first = await start();
    expect(first).toMatchObject({
      status: 202,
      body: { id: jobId, status: 'queued', parameters: { incremental: false } },
    });
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect((await start()).headers.get('idempotent-replayed')).toBe('true');
    const [asked, again] = gateway.services.received(startJob);
    expect(asked).toEqual({
      jobId: expect.any(String),
      mode: 'sandbox',
      job: { kind: 'check', parameters: { incremental: true } },
      actor: operator.credentialId,
    });
    expect(again).toEqual(asked);
    await send('POST', '/v1/ops/checks', { body: {} });
    await send('POST', '/v1/ops/replays', { headers: { 'Idempotency-Key': 'daily' }, body: {} });
    const scoped = { from_sequence: 3, to_sequence: 9 };
    await send('POST', '/v1/ops/replays', { headers: { 'Idempotency-Key': 'daily' }, body: scoped });
    const parameters = { dryRun: true, from: 3, to: 9 };
    expect(gateway.services.received(startJob)[4]?.job).toMatchObject({ kind: 'replay', parameters });
    const ids = gateway.services.received(startJob).map((request) => request.jobId);
    expect(new Set(ids).size).toBe(3);
    expect(gateway.services.received(startJob)[3]?.job).toMatchObject({ kind: 'replay', parameters: { dryRun: true } });
  });

  test.each([
    ['id_reused', 409, 'IDEMPOTENCY_KEY_REUSED'],
    ['jobs_exhausted', 409, 'JOBS_EXHAUSTED'],
  ] as const)('is refused as %s', async (rejection, status, code) => {
    gateway.services.respond(startJob)(() => ({ ok: false, rejection }));
    expect(await send('POST', '/v1/ops/checks', { body: {} })).toMatchObject({ status, body: { code } });
  });

  test('is refused with a field that it does not have, or with text that no table holds', async () => {
    expect(await send('POST', '/v1/ops/replays', { body: { account_id: 'a\u0000b' } })).toMatchObject({ status: 400 });
    expect(await send('POST', '/v1/ops/checks', { body: { dry_run: true } })).toMatchObject({ status: 400 });
    expect(await send('POST', '/v1/ops/replays', { body: { from_sequence: -1 } })).toMatchObject({
      status: 400,
      body: { field: 'from_sequence' },
    });
    expect(gateway.services.count()).toBe(0);
  });

  test('of a replay is refused with a range that ends before it begins', async () => {
    const range = (from: number, to: number) =>
      send('POST', '/v1/ops/replays', { body: { from_sequence: from, to_sequence: to } });
    expect(await range(10, 5)).toMatchObject({
      status: 400,
      body: { field: 'from_sequence', title: 'from_sequence: must not be after to_sequence' },
    });
    expect(gateway.services.count()).toBe(0);
    gateway.services.respond(startJob)(() => ({ ok: true, value: { job: job(), replayed: false } }));
    expect((await range(5, 5)).status).toBe(202);
  });

  test('is listed, read and cancelled', async () => {
    gateway.services.respond(listJobs)(() => ({ ok: true, value: { jobs: [job()], nextCursor: 'abc' } }));
    gateway.services.respond(getJob)(() => ({ ok: true, value: { job: finished } }));
    gateway.services.respond(cancelJob)(() => ({ ok: true, value: { job: job() } }));
    expect(await send('GET', '/v1/ops/checks?limit=1')).toMatchObject({
      status: 200,
      body: { jobs: [{ id: jobId, progress: { rate_per_second: 2.5, eta_seconds: 4 } }], next_cursor: 'abc' },
    });
    expect(await send('GET', `/v1/ops/checks/${jobId}`)).toMatchObject({
      status: 200,
      body: { status: 'succeeded', report: { status: 'CLEAN' } },
    });
    expect((await send('POST', `/v1/ops/checks/${jobId}/cancel`)).status).toBe(200);
    const list = { mode: 'sandbox', kind: 'check', limit: 1, cursor: null };
    expect((await send('GET', '/v1/ops/checks?limit=1&scope=full')).status).toBe(200);
    expect(gateway.services.received(listJobs)).toEqual([list, { ...list, scope: 'full' }]);
    for (const wrong of ['checks?scope=both', 'replays?scope=full'])
      expect(await send('GET', `/v1/ops/${wrong}`)).toMatchObject({ status: 400, body: { field: 'scope' } });
    const asked = { mode: 'sandbox', kind: 'check', jobId };
    expect(gateway.services.received(getJob)).toEqual([asked]);
    expect(gateway.services.received(cancelJob)).toEqual([{ ...asked, actor: operator.credentialId }]);
  });

  test.each(['', '/cancel', '/events'])(
    'that is not there is answered 404 at %p, and so is an id that none has',
    async (at) => {
      gateway.services.respond(getJob)(() => ({ ok: false, rejection: 'job_not_found' }));
      gateway.services.respond(cancelJob)(() => ({ ok: false, rejection: 'job_not_found' }));
      const method = at === '/cancel' ? 'POST' : 'GET';
      for (const id of [jobId, 'x'])
        expect(await send(method, `/v1/ops/checks/${id}${at}`)).toMatchObject({
          status: 404,
          body: { code: 'JOB_NOT_FOUND' },
        });
    },
  );

  test('is for operators', async () => {
    const { headers } = await gateway.issue('token', ['ledger:read']);
    expect((await send('GET', '/v1/ops/checks', { headers })).status).toBe(403);
    expect((await send('GET', `/v1/ops/checks/${jobId}/events`, { headers })).status).toBe(403);
  });
});

describe('a replay', () => {
  const parameters = { dryRun: true, acceptDifferences: false, tenantId: null, accountId: 'a', from: 3, to: 9 };
  const amounts = (units: string) => ({ posted: units, held: '0', incoming: '0', entries: '2' });
  const [live, rebuilt, delta] = [amounts('105'), amounts('100'), amounts('-5')];
  const rows = { table: 'entries_v1', live: 44, rebuilt: 46, onlyLive: 0, onlyRebuilt: 2, changed: 1 };
  const report = {
    dryRun: true,
    scope: { mode: 'sandbox', tenantId: null, accountId: 'a', from: 3, to: 9 },
    events: '46',
    eventTypes: { AccountOpened: 3 },
    equal: false,
    missing: ['table late_entries_v1 of generation 1 does not exist'],
    switched: false,
    generation: 2,
    replaces: 1,
    tableHashes: [{ table: 'late_entries_v1', live: null, rebuilt: 'ab' }],
    tables: [rows],
    accounts: [{ accountId: 'a', asset: 'INR', live, rebuilt, delta }],
    accountsDiffering: 1,
    range: [{ accountId: 'a', asset: 'INR', live: '-105', rebuilt: '-100', delta: '5' }],
  };
  const read = async (found: JobView['report'], status: JobView['status'] = 'succeeded') => {
    const view = { ...finished, kind: 'replay' as const, parameters, status, report: found };
    gateway.services.respond(getJob)(() => ({ ok: true, value: { job: view } }));
    return send('GET', `/v1/ops/replays/${jobId}`);
  };

  test('is shown in the names of its request, and its report in decimals beside their asset', async () => {
    const shown = await read(report);
    const scope = { tenant_id: null, account_id: 'a', from_sequence: 3, to_sequence: 9 };
    const decimals = (posted: string) => ({ posted, held: '0.00', incoming: '0.00', entries: 2 });
    expect(shown).toMatchObject({
      status: 200,
      body: { parameters: { dry_run: true, accept_differences: false, ...scope } },
    });
    const { report: found, parameters: asked } = shown.body as Record<'report' | 'parameters', object>;
    expect(asked).not.toHaveProperty('from');
    expect(found).toEqual({
      dry_run: true,
      scope: { mode: 'sandbox', ...scope },
      events: 46,
      event_types: { AccountOpened: 3 },
      equal: false,
      missing: report.missing,
      switched: false,
      generation: 2,
      replaces: 1,
      table_hashes: report.tableHashes,
      tables: [{ table: 'entries_v1', live: 44, rebuilt: 46, only_live: 0, only_rebuilt: 2, changed: 1 }],
      accounts: [
        {
          account_id: 'a',
          asset: 'INR',
          live: decimals('1.05'),
          rebuilt: decimals('1.00'),
          delta: decimals('-0.05'),
        },
      ],
      accounts_differing: 1,
      range: [{ account_id: 'a', asset: 'INR', live: '-1.05', rebuilt: '-1.00', delta: '0.05' }],
    });
  });

  test('from before reports named assets and missing tables is shown without amounts', async () => {
    const { missing: _missing, ...old } = report;
    const found = await read({
      ...old,
      accounts: [{ accountId: 'a', live, rebuilt, delta }],
      range: [{ accountId: 'a', live: '-105', rebuilt: '-100', delta: '5' }],
    });
    const none = { posted: null, held: null, incoming: null, entries: 2 };
    expect(found).toMatchObject({
      status: 200,
      body: {
        report: {
          equal: false,
          missing: [],
          accounts: [{ account_id: 'a', asset: null, live: none, rebuilt: none, delta: none }],
          range: [{ account_id: 'a', asset: null, live: null, rebuilt: null, delta: null }],
        },
      },
    });
  });

  test('that was cancelled has no report', async () => {
    expect(await read({}, 'cancelled')).toMatchObject({ status: 200, body: { status: 'cancelled', report: null } });
  });
});

describe('the events of a check', () => {
  const follow = (signal: AbortSignal | null = null, harness = gateway, headers = operator.headers) =>
    fetch(`${harness.url}/v1/ops/checks/${jobId}/events`, { headers, signal });

  function eventsOf(text: string) {
    return text
      .split('\n\n')
      .filter((block) => block.startsWith('event: '))
      .map((block) => {
        const [event, data] = block.split('\n');
        return { event: event!.slice(7), data: JSON.parse(data!.slice(6)) as { progress: { done: number } } };
      });
  }

  test('tell every change and the end, also across a failure of the ledger', async () => {
    const states = [job(), job(), undefined, job({ progress: { ...job().progress, done: 7 } }), finished];
    gateway.services.respond(getJob)(() => {
      const state = states.length > 1 ? states.shift() : states[0];
      if (state === undefined) throw new OperationalError('store_unavailable', true);
      return { ok: true, value: { job: state } };
    });
    const response = await follow();
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream\b/);
    const events = eventsOf(await response.text());
    expect(events.map(({ event, data }) => [event, data.progress.done])).toEqual([
      ['progress', 1],
      ['progress', 7],
      ['end', 1],
    ]);
    expect(events.at(-1)?.data).toMatchObject({ id: jobId, report: { status: 'CLEAN' } });
  });

  test('are not looked for any more when the client has gone away', async () => {
    gateway.services.respond(getJob)(() => ({ ok: true, value: { job: job() } }));
    const client = new AbortController();
    const response = await follow(client.signal);
    await response.body!.getReader().read();
    const stream = (line: Record<string, unknown>) => line['path'] === `/v1/ops/checks/${jobId}/events`;
    const before = gateway.log.lines.filter(stream).length;
    client.abort();
    // The request is over for the gateway: its line is in the log.
    await eventually(() => expect(gateway.log.lines.filter(stream).length).toBe(before + 1), { timeoutMs: 10_000 });
    const looks = gateway.services.received(getJob).length;
    // Another stream lasts for two pauses between looks, in which the first would have looked too.
    const states = [job(), job(), finished];
    gateway.services.respond(getJob)(() => ({ ok: true, value: { job: states.shift() ?? finished } }));
    await (await follow()).text();
    expect(gateway.services.received(getJob).length).toBe(looks + 3);
  });

  test('are followed by one credential twenty times at once, which keeps no other from it', async () => {
    gateway.services.respond(getJob)(() => ({ ok: true, value: { job: job() } }));
    const client = new AbortController();
    const streams = await Promise.all(Array.from({ length: 20 }, () => follow(client.signal)));
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await follow(client.signal)).status).toBe(429);
    const other = await gateway.issue('token', ['ops']);
    expect((await follow(client.signal, gateway, other.headers)).status).toBe(200);
    client.abort();
    await eventually(
      async () => {
        const again = new AbortController();
        const { status } = await follow(again.signal);
        again.abort();
        expect(status).toBe(200);
      },
      { timeoutMs: 10_000 },
    );
  });

  test('do not keep a gateway from stopping', async () => {
    const other = await new GatewayHarness().start();
    const { headers } = await other.issue('token', ['ops']);
    other.services.respond(getJob)(() => ({ ok: true, value: { job: job() } }));
    const response = await follow(null, other, headers);
    const reader = response.body!.getReader();
    await reader.read();
    await other.stop();
    expect(await reader.read()).toMatchObject({ done: true });
  });
});
