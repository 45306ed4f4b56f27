import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { runCli } from './program';
import type { Terminal } from './terminal';

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

/** Daybook by script: answers by method and path, and what was asked. */
async function double() {
  const handlers = new Map<string, Handler>();
  const asked: { readonly line: string; readonly body: string; readonly token: string | undefined }[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      asked.push({ line: `${req.method} ${req.url}`, body, token: req.headers.authorization });
      const handler = handlers.get(`${req.method} ${req.url?.split('?', 1)[0]}`);
      if (handler !== undefined) return void handler(req, res);
      res.writeHead(404, { 'Content-Type': 'application/problem+json' });
      res.end(JSON.stringify({ title: 'There is no such route.', code: 'NOT_FOUND' }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    on: (line: string, handler: Handler) => void handlers.set(line, handler),
    json: (line: string, body: unknown) => void handlers.set(line, (_req, res) => res.end(JSON.stringify(body))),
    reset() {
      handlers.clear();
      asked.length = 0;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const home = mkdtempSync(join(tmpdir(), 'daybook-cli-'));
let daybook: Awaited<ReturnType<typeof double>>;
beforeAll(async () => void (daybook = await double()));
afterEach(() => daybook.reset());
afterAll(async () => {
  await daybook.close();
  rmSync(home, { recursive: true });
});

type Run = { readonly env?: Record<string, string>; readonly watched?: NodeJS.WritableStream };

/** `interrupt` is Ctrl-C. */
async function run(argv: string, { env, watched }: Run = {}, interrupted?: (interrupt: () => void) => void) {
  let [out, err] = ['', ''];
  const terminal: Terminal = {
    env: env ?? { DAYBOOK_URL: daybook.url, DAYBOOK_TOKEN: 'secret' },
    out: (text) => (out += text),
    err: (text) => (err += text),
    watched: watched ?? null,
    onInterrupt(listener) {
      interrupted?.(listener);
      return () => undefined;
    },
  };
  const code = await runCli(argv.split(' '), terminal);
  return { code, out, err };
}

describe('how daybook finds its server', () => {
  const file = join(home, 'credentials.json');
  beforeEach(() => daybook.json('GET /v1/ledger/accounts', { accounts: [], next_cursor: null }));

  test('options come before the environment, and that before the credentials file', async () => {
    writeFileSync(file, JSON.stringify({ baseUrl: daybook.url, ops: { token: 'of-file', liveToken: 'live-of-file' } }));
    const fromFile = { env: { DAYBOOK_HOME: home } };
    await run('accounts', fromFile);
    await run('accounts --mode live', fromFile);
    await run('accounts', { env: { ...fromFile.env, DAYBOOK_TOKEN: 'of-env' } });
    await run('accounts --token of-option', { env: { ...fromFile.env, DAYBOOK_TOKEN: 'of-env' } });
    const tokens = ['of-file', 'live-of-file', 'of-env', 'of-option'].map((token) => `Bearer ${token}`);
    expect(daybook.asked.map(({ token }) => token)).toEqual(tokens);
  });

  test('what is missing or wrong is a usage error', async () => {
    expect(await run('accounts', { env: { DAYBOOK_HOME: join(home, 'none') } })).toMatchObject({ code: 2, out: '' });
    expect(await run('accounts --url nonsense')).toMatchObject({ code: 2, err: expect.stringContaining('nonsense') });
    expect(await run('accounts --mode both')).toMatchObject({ code: 2 });
    expect(await run('accounts --limit 0')).toMatchObject({ code: 2 });
    writeFileSync(file, '{}');
    expect(await run('accounts', { env: { DAYBOOK_HOME: home } })).toMatchObject({ code: 2 });
    expect(await run('nonsense')).toMatchObject({ code: 2, out: '' });
  });

  test('a refusal and a server that is away are one line', async () => {
    expect(await run('balance x')).toEqual({
      code: 4,
      out: '',
      err: 'daybook: /v1/ledger/accounts/x answered 404 NOT_FOUND: There is no such route.\n',
    });
    const away = await run('status', { env: { DAYBOOK_URL: 'http://127.0.0.1:2', DAYBOOK_TOKEN: 'x' } });
    expect(away).toMatchObject({ code: 4, err: expect.stringMatching(/^daybook: cannot reach .*\n$/) });
  });
});

describe('lists', () => {
  const row = (id: string) => ({ account_id: id, type: 'liability', asset: 'TXC', posted: '10.00', held: '0.00' });

  test('go through the pages until there are enough rows', async () => {
    daybook.on('GET /v1/ledger/accounts', (req, res) => {
      const query = new URL(req.url!, daybook.url).searchParams;
      const from = parseInt(query.get('cursor') ?? '0', 10);
      const to = Math.min(250, from + parseInt(query.get('limit')!, 10));
      const accounts = Array.from({ length: to - from }, (_, index) => row(`a${from + index}`));
      res.end(JSON.stringify({ accounts, next_cursor: to < 250 ? String(to) : null }));
    });
    const all = JSON.parse((await run('accounts --limit 1000 --json')).out) as { accounts: unknown[]; more: boolean };
    expect([all.accounts.length, all.more]).toEqual([250, false]);
    const some = await run('accounts --limit 120');
    expect(some.out.split('\n')).toHaveLength(1 + 120 + 1 + 1);
    expect(some.out).toContain('more with --limit');
  });

  test('of entries and past balances name the two clocks', async () => {
    daybook.json('GET /v1/ledger/entries', { entries: [], next_cursor: null });
    daybook.json('GET /v1/ledger/accounts/a%2Fb', { ...row('a/b'), debits: '1.00', credits: '11.00', entry_count: 2 });
    await run('entries --account a/b --known-at 2026-02-01T00:00:00Z');
    const past = await run('balance a/b --as-of 2026-02-01T00:00:00Z');
    expect(daybook.asked.map(({ line }) => line)).toEqual([
      'GET /v1/ledger/entries?account=a%2Fb&known_at=2026-02-01T00%3A00%3A00Z&limit=20',
      'GET /v1/ledger/accounts/a%2Fb?as_of=2026-02-01T00%3A00%3A00Z',
    ]);
    expect(past.out).toMatch(/^ACCOUNT .*DEBITS +CREDITS +ENTRIES/);
  });

  test('do not let what they show move the cursor', async () => {
    daybook.json('GET /v1/ledger/accounts', { accounts: [row('\u001b[2Jx\u202e')], next_cursor: null });
    expect((await run('accounts')).out).toContain('?[2Jx?');
  });
});

describe('jobs', () => {
  const job = (status: string, report: unknown = null, done = 1) => ({
    id: 'j1',
    kind: 'check',
    status,
    error: null,
    report,
    progress: { phase: 'reading', done, total: 10 },
  });
  const told = (event: string, data: unknown) => `: still here\n\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  const started = (path: string) => daybook.json(`POST ${path}`, job('queued'));

  test.each([
    ['succeeded', { status: 'CLEAN' }, 0],
    ['succeeded', { status: 'DIFFERENCES' }, 1],
    ['succeeded', { status: 'INCOMPLETE' }, 3],
    ['failed', null, 1],
    ['cancelled', null, 1],
  ])('a check that %s with %j ends with %i', async (status, report, code) => {
    started('/v1/ops/checks');
    daybook.on('GET /v1/ops/checks/j1/events', (_req, res) => res.end(told('end', job(status, report))));
    const ended = await run('check --json');
    expect(ended.code).toBe(code);
    expect(JSON.parse(ended.out)).toEqual(job(status, report));
  });

  test('a replay is a dry run unless it is to be executed, and differences are a no', async () => {
    started('/v1/ops/replays');
    daybook.on('GET /v1/ops/replays/j1/events', (_req, res) => res.end(told('end', job('succeeded', { equal: true }))));
    expect((await run('replay')).code).toBe(0);
    await run('replay --execute --accept-differences --account a --from 3 --to 9');
    const nothing = { tenant_id: null, account_id: null, from_sequence: null, to_sequence: null };
    const bodies = daybook.asked.filter(({ body }) => body !== '').map(({ body }) => JSON.parse(body) as unknown);
    expect(bodies).toEqual([
      { dry_run: true, accept_differences: false, ...nothing },
      { dry_run: false, accept_differences: true, ...nothing, account_id: 'a', from_sequence: 3, to_sequence: 9 },
    ]);
    daybook.on('GET /v1/ops/replays/j1/events', (_req, res) =>
      res.end(told('end', job('succeeded', { equal: false }))),
    );
    expect((await run('replay')).code).toBe(1);
    expect((await run('replay --from x')).code).toBe(2);
  });

  test('a stream that ends before the job is opened again, and progress is drawn where somebody watches', async () => {
    started('/v1/ops/checks');
    let connections = 0;
    daybook.on('GET /v1/ops/checks/j1/events', (_req, res) => {
      connections += 1;
      res.write(told('progress', job('running', null, 4)).slice(0, 40));
      res.write(told('progress', job('running', null, 4)).slice(40));
      res.end(connections === 2 ? told('end', job('succeeded', { status: 'CLEAN' })) : '');
    });
    const watched = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
    const ended = await run('check', { watched: watched as never });
    expect([ended.code, connections]).toEqual([0, 2]);
    expect(String(watched.read())).toMatch(/reading .*4\/10 done .*\/s/);
  });

  test('Ctrl-C leaves the job running and says how to come back', async () => {
    started('/v1/ops/checks');
    let interrupt!: () => void;
    daybook.on('GET /v1/ops/checks/j1/events', (_req, res) => {
      res.write(told('progress', job('running')));
      interrupt();
    });
    const left = await run('check', {}, (listener) => (interrupt = listener));
    expect(left).toEqual({ code: 5, out: '', err: 'detached; the job goes on: --follow j1, or --cancel j1\n' });
    daybook.json('POST /v1/ops/checks/j1/cancel', job('cancelled'));
    expect(await run('check --cancel j1')).toEqual({ code: 0, out: 'j1 cancelled\n', err: '' });
    expect(await run('check --detach')).toEqual({ code: 0, out: 'j1\n', err: '' });
  });
});

describe('redrive', () => {
  const parked = { service: 'ledger', group: 'g', key: 'k', messages: 3, first_parked_at: 't', cause: 'c', types: [] };
  const list = (unavailable: string[] = []) =>
    daybook.json('GET /v1/ops/parked', { parked: [parked], more: false, unavailable });

  test('goes on while each request handles some, and says what is left', async () => {
    list();
    const answers = [
      { handled: 2, still_parked: 1, cause: null },
      { handled: 1, still_parked: 0, cause: null },
      { handled: 0, still_parked: 1, cause: 'still broken' },
    ];
    daybook.on('POST /v1/ops/parked/redrive', (_req, res) =>
      res.end(JSON.stringify({ ...parked, ...answers.shift() })),
    );
    expect(await run('redrive --all')).toEqual({ code: 0, out: 'ledger g k: 3 handled\n', err: '' });
    expect(await run('redrive --key k')).toEqual({
      code: 1,
      out: 'ledger g k: 0 handled, 1 still parked: still broken\n',
      err: '',
    });
  });

  test('lists without asking for more, and is incomplete while a service does not answer', async () => {
    list(['settlement']);
    const listed = await run('redrive');
    expect([listed.code, listed.out]).toEqual([3, expect.stringContaining('ledger   g      k')]);
    expect(daybook.asked.map(({ line }) => line.split(' ')[0])).toEqual(['GET']);
  });
});

describe('export', () => {
  const header = '{"type":"header","first":0,"last":0}\n';
  const manifest = '{"type":"manifest","book":"live","first":0,"last":0,"events":1,"coveredBy":null}\n';
  const output = join(home, 'x.jsonl');

  test('writes what comes, and names the file only when it is whole', async () => {
    const parts = [
      header.slice(0, 9),
      `${header.slice(9)}{"type":"event"}\n${manifest.slice(0, 20)}`,
      manifest.slice(20),
    ];
    daybook.on('GET /v1/ops/journal/export', async (_req, res) => {
      for (const part of parts) {
        res.write(part);
        await new Promise((resolve) => setImmediate(resolve));
      }
      res.end();
    });
    expect((await run(`export --from 0 -o ${output} --json`)).code).toBe(0);
    expect(readFileSync(output, 'utf8')).toBe(`${header}{"type":"event"}\n${manifest}`);
    expect(daybook.asked[0]!.line).toBe('GET /v1/ops/journal/export?from=0');
  });

  test.each<[string, Handler]>([
    ['ends early', (_req, res) => res.end(header)],
    ['is cut off', (_req, res) => res.write(header, () => res.destroy())],
    ['is empty', (_req, res) => res.end()],
  ])('leaves nothing behind when it %s', async (_name, handler) => {
    daybook.on('GET /v1/ops/journal/export', handler);
    const file = join(home, 'y.jsonl');
    expect(await run(`export -o ${file}`)).toMatchObject({ code: 4, out: '' });
    expect([existsSync(file), existsSync(`${file}.part`)]).toEqual([false, false]);
  });
});
