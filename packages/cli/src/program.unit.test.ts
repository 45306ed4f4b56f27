import { execFileSync } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { runCli } from './program';
import { standardStreams } from './standard-streams';
import type { Terminal } from './terminal';

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown;

type Asked = {
  readonly line: string;
  readonly body: string;
  readonly token: string | undefined;
  readonly key: unknown;
};

/** Daybook by script: answers by method and path, and what was asked. */
async function double() {
  const handlers = new Map<string, Handler>();
  const asked: Asked[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      const { authorization: token, 'idempotency-key': key } = req.headers;
      asked.push({ line: `${req.method} ${req.url}`, body, token, key });
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

type Run = {
  readonly env?: Record<string, string>;
  readonly watched?: NodeJS.WritableStream;
  /** Collects what the command waited for. */
  readonly waits?: number[];
};

/** `interrupt` is Ctrl-C. Time goes on by waiting alone. */
async function run(
  argv: string,
  { env, watched, waits = [] }: Run = {},
  interrupted?: (interrupt: (signal: NodeJS.Signals) => void) => void,
) {
  let [out, err] = ['', ''];
  let time = 0;
  const terminal: Terminal = {
    env: env ?? { DAYBOOK_URL: daybook.url, DAYBOOK_TOKEN: 'secret' },
    out: (text) => (out += text),
    err: (text) => (err += text),
    watched: watched ?? null,
    onInterrupt(listener) {
      interrupted?.(listener);
      return () => undefined;
    },
    now: () => time,
    async wait(ms, signal) {
      signal?.throwIfAborted();
      waits.push(ms);
      time += ms;
    },
  };
  const code = await runCli(argv.split(' '), terminal);
  return { code, out, err };
}

const nothingYet = { sequence: null, at: null };

describe('how daybook finds its server', () => {
  const file = join(home, 'credentials.json');
  beforeEach(() => daybook.json('GET /v1/ledger/accounts', { accounts: [], next_cursor: null, watermark: nothingYet }));

  test('options come before the environment, and that before the credentials file', async () => {
    writeFileSync(file, JSON.stringify({ baseUrl: daybook.url, ops: { token: 'of-file', liveToken: 'live-of-file' } }));
    const fromFile = { env: { DAYBOOK_HOME: home } };
    await run('accounts', fromFile);
    await run('accounts --mode live', fromFile);
    await run('accounts', { env: { ...fromFile.env, DAYBOOK_MODE: 'live' } });
    await run('accounts', { env: { ...fromFile.env, DAYBOOK_TOKEN: 'of-env' } });
    await run('accounts --token of-option', { env: { ...fromFile.env, DAYBOOK_TOKEN: 'of-env' } });
    const tokens = ['of-file', 'live-of-file', 'live-of-file', 'of-env', 'of-option'].map((token) => `Bearer ${token}`);
    expect(daybook.asked.map(({ token }) => token)).toEqual(tokens);
  });

  test('what is missing or wrong is a usage error', async () => {
    expect(await run('accounts', { env: { DAYBOOK_HOME: join(home, 'none') } })).toMatchObject({ code: 2, out: '' });
    expect(await run('accounts --url nonsense')).toMatchObject({ code: 2, err: expect.stringContaining('nonsense') });
    expect(await run('accounts --mode both')).toMatchObject({ code: 2 });
    expect(await run('accounts --limit 0')).toMatchObject({ code: 2 });
    for (const url of ['http://u:secret@localhost', 'postgres://u:secret@localhost/db', 'http://secret@localhost']) {
      const refused = await run(`accounts --url ${url}`);
      expect(refused).toEqual({ code: 2, out: '', err: expect.stringMatching(/^daybook: the URL names a user/) });
    }
    writeFileSync(file, '{}');
    expect(await run('accounts', { env: { DAYBOOK_HOME: home } })).toMatchObject({ code: 2 });
    const shouted = { DAYBOOK_URL: daybook.url, DAYBOOK_TOKEN: 'x', DAYBOOK_MODE: 'Live' };
    expect(await run('accounts', { env: shouted })).toEqual({
      code: 2,
      out: '',
      err: 'daybook: DAYBOOK_MODE must be sandbox or live, not "Live"\n',
    });
    expect(await run('nonsense')).toMatchObject({ code: 2, out: '' });
    for (const token of ['', 'two words', 'secret\n'])
      expect(await run('accounts', { env: { DAYBOOK_URL: daybook.url, DAYBOOK_TOKEN: token } })).toEqual({
        code: 2,
        out: '',
        err: 'daybook: the token is empty, or has blanks or characters that no token has\n',
      });
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

const leaving = { stopped: false, stops: [], waiting_sends: 0, waiting_transfers: 1 };
const stopped = {
  stopped: true,
  stops: [
    { number: 3, reason: 'a key leaked', actor: 'key_1', at: 't' },
    { number: 5, reason: 'a restore', actor: 'settlement', at: 't' },
  ],
  waiting_sends: 2,
  waiting_transfers: 0,
};

describe('status', () => {
  const book = (mode: string) => ({ mode, events: 3, last_checkpoint: { size: 2, signed_at: 't', key_id: 'k' } });
  const healthy = {
    services: [
      { name: 'gateway', ready: true, readers: [] },
      { name: 'ledger', ready: true, readers: [{ name: 'relay ledger', waits_s: 59.9 }] },
    ],
    books: [book('sandbox'), book('live')],
    readers: [],
    oldest_writer: { application: 'psql', database: 'books', age_s: 59.9 },
    parked_keys: 0,
  };
  const over = (id: string, report: unknown) => ({ id, status: 'succeeded', finished_at: 'f', report });
  /** As the gateway does: lists carry no reports. */
  const last = (path: string, ...jobs: { readonly id: string; readonly finished_at: string | null }[]) => {
    daybook.json(`GET ${path}`, { jobs: jobs.map((job) => ({ ...job, report: null })), next_cursor: null });
    for (const job of jobs) daybook.json(`GET ${path}/${job.id}`, job);
  };
  const unavailable: Handler = (_req, res) => {
    res.writeHead(503, { 'Content-Type': 'application/problem+json', 'Retry-After': '1' });
    res.end(JSON.stringify({ title: 'Try again.', code: 'UNAVAILABLE' }));
  };

  beforeEach(() => {
    daybook.json('GET /v1/ops/status', healthy);
    daybook.json('GET /v1/ops/chains', { chains: [] });
    daybook.json('GET /v1/ops/payouts', leaving);
    last('/v1/ops/checks', over('c1', { status: 'CLEAN', scope: 'full' }));
    last('/v1/ops/replays');
  });

  test('shows which service is not ready while the ledger is away, and what is not known', async () => {
    const parts = {
      services: [{ name: 'ledger', ready: false, readers: null }],
      books: null,
      readers: null,
      oldest_writer: null,
      parked_keys: null,
    };
    daybook.json('GET /v1/ops/status', parts);
    daybook.on('GET /v1/ops/checks', unavailable);
    daybook.on('GET /v1/ops/replays', unavailable);
    daybook.on('GET /v1/ops/chains', unavailable);
    daybook.on('GET /v1/ops/payouts', unavailable);
    const shown = await run('status');
    expect([shown.code, shown.err]).toEqual([1, '']);
    for (const line of [
      /^ledger +no +-$/m,
      /^live +- +- +-$/m,
      /^readers of the journal +unknown$/m,
      /^chains +unknown$/m,
      /^parked keys +unknown$/m,
      /^payouts of the token's mode: unknown$/m,
      /^last check of the token's mode: unknown$/m,
      /^last replay of the token's mode: unknown$/m,
      /^PROBLEM: ledger is not ready$/m,
    ])
      expect(shown.out).toMatch(line);
    expect(JSON.parse((await run('status --json')).out)).toMatchObject({
      ...parts,
      chains: null,
      last_checks: [{ outcome: null, at: null }],
      last_replays: [{ outcome: null, at: null }],
    });
  });

  test.each([
    ['CLEAN', 'full', 'clean (full) at f (c1)', 0],
    ['CLEAN', 'incremental', 'clean (incremental) at f (c1)', 0],
    ['DIFFERENCES', 'full', 'differences (full) at f (c1)', 1],
    ['INCOMPLETE', 'full', 'incomplete (full) at f (c1)', 1],
  ])('tells what a check found: %s, %s', async (status, scope, said, code) => {
    last('/v1/ops/checks', { id: 'c2', finished_at: null }, over('c1', { status, scope }));
    last('/v1/ops/replays', over('r1', { equal: true }));
    const shown = await run('status');
    expect(shown.out).toContain(`last check of the token's mode: ${said}; not over yet: c2\n`);
    expect(shown.out).toContain("last replay of the token's mode: equal at f (r1)\n");
    expect(shown.code).toBe(code);
    expect(JSON.parse((await run('status --json')).out)).toMatchObject({
      last_checks: [{ mode: null, outcome: status.toLowerCase(), scope, at: 'f', id: 'c1', open_id: 'c2' }],
    });
  });

  test('what a full check found stays a problem until a full one is clean', async () => {
    const found = over('c1', { status: 'DIFFERENCES', scope: 'full' });
    const since = over('c2', { status: 'CLEAN', scope: 'incremental' });
    last('/v1/ops/checks', since, found);
    daybook.on('GET /v1/ops/checks', (req, res) =>
      res.end(JSON.stringify({ jobs: req.url!.includes('scope=full') ? [found] : [since, found] })),
    );
    const shown = await run('status');
    expect(shown.out).toContain("last check of the token's mode: clean (incremental) at f (c2)\n");
    expect(shown.out).toContain("last full check of the token's mode: differences (full) at f (c1)\n");
    expect(shown.out).toContain("PROBLEM: last full check of the token's mode: differences\n");
    expect(shown.code).toBe(1);
    expect(JSON.parse((await run('status --json')).out)).toMatchObject({
      last_checks: [{ outcome: 'clean', id: 'c2' }],
      last_full_checks: [{ outcome: 'differences', id: 'c1' }],
      problems: ["last full check of the token's mode: differences"],
    });
    last('/v1/ops/checks', over('c3', { status: 'CLEAN', scope: 'full' }), since, found);
    const clean = await run('status');
    expect([clean.code, clean.out]).toEqual([0, expect.not.stringContaining('last full check')]);
  });

  test('is incomplete when the last full check is not known', async () => {
    const since = over('c2', { status: 'CLEAN', scope: 'incremental' });
    last('/v1/ops/checks', since);
    daybook.on('GET /v1/ops/checks', (req, res) =>
      req.url!.includes('scope=full') ? unavailable(req, res) : res.end(JSON.stringify({ jobs: [since] })),
    );
    expect(await run('status')).toMatchObject({ code: 3, out: expect.stringContaining('last full check') });
  });

  test('names the mode of each operator in the file: checks are listed by mode', async () => {
    writeFileSync(
      join(home, 'credentials.json'),
      JSON.stringify({ baseUrl: daybook.url, ops: { token: 'of-sandbox', liveToken: 'of-live' } }),
    );
    daybook.on('GET /v1/ops/checks', (req, res) => {
      const jobs = req.headers.authorization === 'Bearer of-live' ? [over('c1', null)] : [];
      res.end(JSON.stringify({ jobs, next_cursor: null }));
    });
    const shown = await run('status', { env: { DAYBOOK_HOME: home } });
    expect(shown.out).toContain('last check of sandbox: never\nlast check of live: clean (full) at f (c1)\n');
    expect(shown.code).toBe(0);
    expect(daybook.asked).toContainEqual(
      expect.objectContaining({ line: 'GET /v1/ops/checks/c1', token: 'Bearer of-live' }),
    );
  });

  test.each<[string, object, string]>([
    [
      'a service that is not ready',
      { services: [{ name: 'identity', ready: false, readers: null }] },
      'identity is not ready',
    ],
    [
      'a relay that nobody takes from',
      { services: [{ name: 'intents', ready: true, readers: [{ name: 'relay intents', waits_s: 60.5 }] }] },
      'relay intents of intents has an event to apply, and has not moved for 60 s',
    ],
    [
      'a transaction that is left open',
      { oldest_writer: { application: 'psql', database: 'books', age_s: 60 } },
      'a transaction of psql in books holds all readers back, for 60 s',
    ],
    ['parked messages', { parked_keys: 2 }, 'messages of 2 keys are parked'],
    ['a missing book', { books: [book('sandbox')] }, 'the live book is not there'],
    [
      'a book that nobody signs',
      {
        books: [
          { ...book('sandbox'), signing_late_s: 59.9 },
          { ...book('live'), signing_late_s: 60 },
        ],
      },
      'an event of the live book should have been signed 60 s ago',
    ],
  ])('is a no for %s', async (_name, wrong, problem) => {
    expect((await run('status')).code).toBe(0);
    daybook.json('GET /v1/ops/status', { ...healthy, ...wrong });
    const shown = await run('status');
    expect([shown.code, shown.out]).toEqual([1, expect.stringContaining(`PROBLEM: ${problem}\n`)]);
    expect(JSON.parse((await run('status --json')).out)).toMatchObject({ problems: [problem] });
  });

  test('is a no while payouts are stopped, and incomplete when that is not known', async () => {
    daybook.json('GET /v1/ops/payouts', stopped);
    const problem = "payouts of the token's mode are stopped: a key leaked; a restore";
    expect(await run('status')).toMatchObject({ code: 1, out: expect.stringContaining(`PROBLEM: ${problem}\n`) });
    expect(JSON.parse((await run('status --json')).out)).toMatchObject({
      payouts: [{ mode: null, stopped: true, reasons: ['a key leaked', 'a restore'] }],
    });
    daybook.on('GET /v1/ops/payouts', unavailable);
    expect((await run('status')).code).toBe(3);
  });

  test('of another shape is an error', async () => {
    daybook.json('GET /v1/ops/status', { ...healthy, books: [{ mode: 'live' }] });
    expect(await run('status')).toEqual({
      code: 4,
      out: '',
      err: expect.stringMatching(/^daybook: \/v1\/ops\/status does not answer as Daybook does: books\.0\.events: /),
    });
  });

  test('is a no for a check that failed, and incomplete when a list is not known', async () => {
    last('/v1/ops/checks', { ...over('c1', null), status: 'failed' } as never);
    expect(await run('status')).toMatchObject({ code: 1, out: expect.stringContaining('failed at f (c1)') });
    daybook.on('GET /v1/ops/checks/c1', unavailable);
    expect((await run('status')).code).toBe(3);
  });
});

/** Rows as Daybook answers them. */
const account = {
  account_id: 'a',
  type: 'liability',
  asset: 'TXC',
  posted: '10.00',
  held: '0.00',
  available: '10.00',
  frozen: false,
  updated_at: 't',
};
const pastBalance = {
  account_id: 'a',
  type: 'liability',
  asset: 'TXC',
  posted: '10.00',
  debits: '1.00',
  credits: '11.00',
  entry_count: 2,
  as_of: 't',
  known_at: null,
};
const line = { direction: 'debit', account_id: 'a', amount: '1.00', asset: 'TXC' };
const entry = { ...line, sequence: 7, transaction_id: 'x', balance: '9.00', effective_at: 't', posted_at: 't' };
const transaction = {
  sequence: 7,
  transaction_id: 'x',
  cause: { type: 'posting' },
  rule: 'posting@1',
  posted_at: 't',
  entries: [line],
};

describe('what is given as a part of a path', () => {
  test.each([
    ['balance', '<account>'],
    ['entries --account', '--account'],
    ['check --follow', '--follow'],
    ['check --cancel', '--cancel'],
    ['replay --follow', '--follow'],
    ['replay --cancel', '--cancel'],
  ])('of %s is an id, and wrong usage when it is empty or dots', async (command, argument) => {
    for (const given of ['', '.', '..'])
      expect(await run(`${command} ${given}`)).toEqual({
        code: 2,
        out: '',
        err: `daybook: ${argument}: "${given}" is no id\n`,
      });
    expect(daybook.asked).toEqual([]);
  });
});

describe('an answer of another shape is an error, and no row', () => {
  const without = (whole: object, name: string) =>
    Object.fromEntries(Object.entries(whole).filter(([key]) => key !== name));
  const page = (name: string, row: object) => ({ [name]: [row], next_cursor: null, watermark: nothingYet });
  test.each<[string, string, object, object]>([
    ['balance a', 'GET /v1/ledger/accounts/a', account, page('accounts', account)],
    ['balance a --as-of t', 'GET /v1/ledger/accounts/a', pastBalance, account],
    [
      'accounts',
      'GET /v1/ledger/accounts',
      page('accounts', account),
      page('accounts', without(account, 'updated_at')),
    ],
    ['accounts', 'GET /v1/ledger/accounts', page('accounts', account), page('entries', account)],
    ['entries', 'GET /v1/ledger/entries', page('entries', entry), page('entries', line)],
    [
      'transactions',
      'GET /v1/ledger/transactions',
      page('transactions', transaction),
      page('transactions', { ...transaction, entries: [{}] }),
    ],
    [
      'check --cancel j1',
      'POST /v1/ops/checks/j1/cancel',
      { id: 'j1', kind: 'check', status: 'cancelled', error: null, report: null },
      { checks: [] },
    ],
    [
      'replay --detach',
      'POST /v1/ops/replays',
      { id: 'j1', kind: 'replay', status: 'queued', error: null, report: null },
      { replays: [] },
    ],
    ['redrive', 'GET /v1/ops/parked', { parked: [], more: false, unavailable: [] }, {}],
    ['payouts', 'GET /v1/ops/payouts', leaving, { stops: [] }],
  ])('%s', async (command, asked, right, wrong) => {
    daybook.json(asked, right);
    expect((await run(command)).code).toBe(0);
    daybook.json(asked, wrong);
    const path = asked.split(' ')[1];
    expect(await run(command)).toEqual({
      code: 4,
      out: '',
      err: expect.stringMatching(`^daybook: ${path} does not answer as Daybook does: .*\n$`),
    });
  });
});

describe('lists', () => {
  const row = (id: string) => ({ ...account, account_id: id });

  test('go through the pages until there are enough rows', async () => {
    daybook.on('GET /v1/ledger/accounts', (req, res) => {
      const query = new URL(req.url!, daybook.url).searchParams;
      const from = parseInt(query.get('cursor') ?? '0', 10);
      const to = Math.min(250, from + parseInt(query.get('limit')!, 10));
      const accounts = Array.from({ length: to - from }, (_, index) => row(`a${from + index}`));
      const watermark = { sequence: 9, at: 't' };
      res.end(JSON.stringify({ accounts, next_cursor: to < 250 ? String(to) : null, watermark }));
    });
    const all = JSON.parse((await run('accounts --limit 1000 --json')).out) as { accounts: unknown[]; more: boolean };
    expect([all.accounts.length, all.more]).toEqual([250, false]);
    const some = await run('accounts --limit 120');
    expect(some.out.split('\n')).toHaveLength(1 + 120 + 1 + 1);
    expect(some.out).toContain('more with --limit');
  });

  test('of entries and past balances name the two clocks', async () => {
    daybook.json('GET /v1/ledger/entries', { entries: [], next_cursor: null, watermark: nothingYet });
    daybook.json('GET /v1/ledger/accounts/a%2Fb', pastBalance);
    await run('entries --account a/b --known-at 2026-02-01T00:00:00Z');
    const past = await run('balance a/b --as-of 2026-02-01T00:00:00Z');
    expect(daybook.asked.map(({ line: of }) => of)).toEqual([
      'GET /v1/ledger/accounts/a%2Fb',
      'GET /v1/ledger/entries?account=a%2Fb&known_at=2026-02-01T00%3A00%3A00Z&limit=20',
      'GET /v1/ledger/accounts/a%2Fb?as_of=2026-02-01T00%3A00%3A00Z',
    ]);
    expect(past.out).toMatch(/^ACCOUNT .*DEBITS +CREDITS +ENTRIES/);
  });

  test('of the entries of an account say when there is no such account', async () => {
    daybook.json('GET /v1/ledger/entries', { entries: [], next_cursor: null, watermark: nothingYet });
    expect(await run('entries --account typo')).toEqual({
      code: 4,
      out: '',
      err: 'daybook: /v1/ledger/accounts/typo answered 404 NOT_FOUND: There is no such route.\n',
    });
    daybook.json('GET /v1/ledger/accounts/typo', account);
    expect(await run('entries --account typo')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^SEQUENCE .*\n$/),
    });
  });

  test('do not let what they show move the cursor', async () => {
    daybook.json('GET /v1/ledger/accounts', {
      accounts: [row('\u001b[2Jx\u202e')],
      next_cursor: null,
      watermark: nothingYet,
    });
    expect((await run('accounts')).out).toContain('?[2Jx?');
  });
});

describe('the watermark of a list', () => {
  test.each([
    ['accounts', account],
    ['entries', entry],
    ['transactions', transaction],
  ])('of %s is what all its pages have seen', async (name, row) => {
    const marks = [9, 7, 8].map((sequence) => ({ sequence, at: `t${sequence}` }));
    daybook.on(`GET /v1/ledger/${name}`, (req, res) => {
      const page = parseInt(new URL(req.url!, daybook.url).searchParams.get('cursor') ?? '0', 10);
      const cursor = page < 2 ? String(page + 1) : null;
      res.end(JSON.stringify({ [name]: [row], next_cursor: cursor, watermark: marks[page] }));
    });
    expect(JSON.parse((await run(`${name} --json`)).out)).toEqual({
      [name]: [row, row, row],
      more: false,
      watermark: { sequence: 7, at: 't7' },
    });
  });

  test('before the first event it is null', async () => {
    daybook.on('GET /v1/ledger/accounts', (req, res) => {
      const isFirst = !req.url!.includes('cursor');
      const watermark = isFirst ? { sequence: 0, at: 't' } : { sequence: null, at: null };
      res.end(JSON.stringify({ accounts: [], next_cursor: isFirst ? 'c' : null, watermark }));
    });
    expect(JSON.parse((await run('accounts --json')).out)).toMatchObject({ watermark: { sequence: null, at: null } });
  });
});

describe('jobs', () => {
  const job = (status: string, report: unknown = null, done = 1) => ({
    id: 'j1',
    kind: 'check',
    status,
    error: null,
    report,
    progress: { phase: 'reading', done, total: 10, rate_per_second: 2.5, eta_seconds: 3 },
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
    for (const option of ['--from', '--to'])
      expect(await run(`replay ${option} x`)).toMatchObject({
        code: 2,
        err: `daybook: ${option}: x is not a sequence\n`,
      });
    daybook.on('GET /v1/ops/replays/j1/events', (_req, res) =>
      res.end(told('end', job('succeeded', { equal: false, switched: true }))),
    );
    expect((await run('replay --execute --accept-differences')).code).toBe(0);
  });

  test('differences cannot be accepted of a replay that switches nothing', async () => {
    expect(await run('replay --accept-differences')).toEqual({
      code: 2,
      out: '',
      err: 'daybook: --accept-differences is for --execute: a dry run switches nothing\n',
    });
    expect(daybook.asked).toEqual([]);
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
    expect(String(watched.read())).toMatch(/reading .*4\/10 done \| 3\/s \| 3s left/);
  });

  test('Ctrl-C, or a terminal that is closed, leaves the job running and says how to come back', async () => {
    started('/v1/ops/checks');
    let interrupt!: (signal: NodeJS.Signals) => void;
    daybook.on('GET /v1/ops/checks/j1/events', (_req, res) => {
      res.write(told('progress', job('running')));
      interrupt('SIGHUP');
    });
    const left = await run('check', {}, (listener) => (interrupt = listener));
    expect(left).toEqual({ code: 5, out: '', err: expect.stringMatching(/^j1 started\ndetached; /) });
    expect(left.err).toContain('detached; the job goes on: --follow j1, or --cancel j1\n');
    daybook.json('POST /v1/ops/checks/j1/cancel', job('cancelled'));
    expect(await run('check --cancel j1')).toEqual({ code: 0, out: 'j1 cancelled\n', err: '' });
    expect(await run('check --detach')).toEqual({ code: 0, out: 'j1\n', err: '' });
    expect((await run('--help')).out).toMatch(/ 5 interrupted while\sfollowing a job, which goes on;/);
  });

  test.each([
    'check --follow j1 --detach',
    'check --cancel j1 --detach',
    'check --follow j1 --cancel j1',
    'check --follow j1 --incremental',
    'check --cancel j1 --incremental',
    'replay --follow j1 --detach',
    'replay --follow j1 --cancel j2',
    'replay --follow j1 --execute',
    'replay --cancel j1 --accept-differences',
    'replay --follow j1 --tenant t',
    'replay --cancel j1 --account a',
    'replay --follow j1 --from 3',
    'replay --cancel j1 --to 9',
  ])('%s says two things that cannot be done together', async (command) => {
    expect(await run(command)).toEqual({
      code: 2,
      out: '',
      err: expect.stringMatching(/^error: option '--(follow|cancel) <job>' cannot be used with option '--/),
    });
    expect(daybook.asked).toEqual([]);
  });

  const refuse = (status: number, headers: Record<string, string>, res: ServerResponse) => {
    res.writeHead(status, { 'Content-Type': 'application/problem+json', ...headers });
    res.end(JSON.stringify({ title: 'Try again.', code: 'BUSY' }));
  };

  test('cuts, refused connections and a Daybook that is busy or away are attempts', async () => {
    started('/v1/ops/replays');
    const answers: Handler[] = [
      (_req, res) => res.write(told('progress', job('running')), () => res.destroy()),
      (_req, res) => res.destroy(),
      (_req, res) => refuse(503, {}, res),
      (_req, res) => refuse(429, { 'Retry-After': '7' }, res),
      (_req, res) => res.end(),
      (_req, res) => res.end(told('end', job('succeeded', { equal: true }))),
    ];
    daybook.on('GET /v1/ops/replays/j1/events', (req, res) => answers.shift()!(req, res));
    const waits: number[] = [];
    const ended = await run('replay', { waits });
    expect([ended.code, ended.err]).toEqual([0, 'j1 started\n']);
    expect(waits).toEqual([500, 500, 500, 7_000, 500]);
  });

  test('a server that stays away is left after two minutes, and the error says how to come back', async () => {
    const gone = await double();
    gone.json('POST /v1/ops/checks', job('queued'));
    gone.on('GET /v1/ops/checks/j1/events', (_req, res) => {
      res.write(told('progress', job('running')), () => void gone.close());
    });
    const waits: number[] = [];
    const left = await run('check', { env: { DAYBOOK_URL: gone.url, DAYBOOK_TOKEN: 'x' }, waits });
    expect([left.code, left.out]).toEqual([4, '']);
    expect(left.err).toMatch(
      /^j1 started\ndaybook: lost the job, which may go on \(--follow j1\): cannot reach .*ECONNREFUSED\n$/,
    );
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBe(120_000);
  });

  test('news renews the patience', async () => {
    started('/v1/ops/checks');
    let connections = 0;
    daybook.on('GET /v1/ops/checks/j1/events', (_req, res) => {
      connections += 1;
      if (connections === 5) return res.end(told('end', job('succeeded', { status: 'CLEAN' })));
      if (connections % 2 === 0) return res.end(told('progress', job('running')));
      return refuse(503, { 'Retry-After': '100' }, res);
    });
    expect((await run('check')).code).toBe(0);
  });

  test('a refusal after the start names the job too; one of a wrong id says enough', async () => {
    started('/v1/ops/checks');
    daybook.on('GET /v1/ops/checks/j1/events', (_req, res) => refuse(401, {}, res));
    expect((await run('check')).err).toMatch(/^j1 started\ndaybook: lost the job, .*--follow j1\): .* answered 401 /);
    expect(await run('check --follow nonsense')).toEqual({
      code: 4,
      out: '',
      err: 'daybook: /v1/ops/checks/nonsense/events answered 404 NOT_FOUND: There is no such route.\n',
    });
  });

  test('a start whose answer is lost is sent again with its key, and another start has another', async () => {
    const answers: Handler[] = [(_req, res) => res.destroy(), (_req, res) => refuse(503, {}, res)];
    const answer: Handler = (_req, res) => res.end(JSON.stringify(job('queued')));
    daybook.on('POST /v1/ops/checks', (req, res) => (answers.shift() ?? answer)(req, res));
    expect(await run('check --detach')).toEqual({ code: 0, out: 'j1\n', err: '' });
    await run('check --detach');
    const keys = daybook.asked.map(({ key }) => key);
    expect(keys).toEqual([expect.stringMatching(/^[\w-]{36}$/), keys[0], keys[0], expect.any(String)]);
    expect(keys[3]).not.toBe(keys[0]);
  });

  test('a start that gets no answer is given up soon, and one that is refused at once', async () => {
    daybook.on('POST /v1/ops/checks', (_req, res) => refuse(503, {}, res));
    const waits: number[] = [];
    const lost = await run('check', { waits });
    expect(lost).toMatchObject({ code: 4, err: expect.stringContaining('answered 503 BUSY') });
    expect(lost.err).toContain('if it was started all the same, daybook status shows it');
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBe(5_000);
    daybook.on('POST /v1/ops/checks', (_req, res) => refuse(409, {}, res));
    const refusals: number[] = [];
    expect((await run('check', { waits: refusals })).code).toBe(4);
    expect(refusals).toEqual([]);
  });

  test('each phase has its own total, and rate and time are those of the server', async () => {
    const watched = () => Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
    const reading = { phase: 'reading', done: 480_000, total: 480_000, rate_per_second: 80_000, eta_seconds: 0 };
    const comparing = { phase: 'comparing', done: 1_500_000, total: null, rate_per_second: null, eta_seconds: null };
    const switching = { phase: 'switching', done: 1, total: 4, rate_per_second: 0.5, eta_seconds: 6 };
    const drawn = async (...steps: object[]) => {
      started('/v1/ops/replays');
      const news = steps.map((progress) => told('progress', { ...job('running'), progress })).join('');
      daybook.on('GET /v1/ops/replays/j1/events', (_req, res) =>
        res.end(news + told('end', job('succeeded', { equal: true }))),
      );
      const screen = watched();
      await run('replay', { watched: screen as never });
      return String(screen.read());
    };
    expect(await drawn(reading)).toMatch(/reading =+ 100% \| 480000\/480000 done \| 80000\/s \| 0s left/);
    const unknown = await drawn(reading, comparing);
    expect(unknown).toContain('comparing 1500000 done');
    expect(unknown).not.toMatch(/comparing[^\r]*(%|480000|\/s|left)/);
    expect(await drawn(reading, comparing, switching)).toMatch(/switching =+-+ 25% \| 1\/4 done \| 1\/s \| 6s left/);
  });
});

describe('payouts', () => {
  test('shows why they are stopped, which is a no, and what waits', async () => {
    daybook.json('GET /v1/ops/payouts', leaving);
    expect(await run('payouts')).toEqual({ code: 0, out: 'payouts leave; 0 sends and 1 transfers wait\n', err: '' });
    daybook.json('GET /v1/ops/payouts', stopped);
    const shown = await run('payouts');
    expect(shown.code).toBe(1);
    expect(shown.out).toMatch(/^ +3 +t +key_1 +a key leaked\n +5 +t +settlement +a restore\n/m);
    expect(shown.out).toMatch(/payouts are stopped; 2 sends and 0 transfers wait\n$/);
  });

  test('are stopped with a reason, and resumed as far as was seen', async () => {
    daybook.json('POST /v1/ops/payouts/stop', stopped);
    daybook.json('POST /v1/ops/payouts/resume', leaving);
    expect((await run('payouts --stop leaked')).code).toBe(0);
    expect((await run('payouts --resume 5')).code).toBe(0);
    expect(daybook.asked.flatMap(({ line, body }) => (line.startsWith('POST') ? [[line, body]] : []))).toEqual([
      ['POST /v1/ops/payouts/stop', '{"reason":"leaked"}'],
      ['POST /v1/ops/payouts/resume', '{"last_seen":5}'],
    ]);
    for (const wrong of ['--resume 5 --stop leaked', '--resume', '--resume all', '--resume 0'])
      expect(await run(`payouts ${wrong}`)).toMatchObject({ code: 2 });
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

  test('goes on behind a key that somebody else has redriven meanwhile', async () => {
    const keys = [parked, { ...parked, key: 'l' }];
    daybook.json('GET /v1/ops/parked', { parked: keys, more: false, unavailable: [] });
    let asked = 0;
    daybook.on('POST /v1/ops/parked/redrive', (_req, res) => {
      if (asked++ === 0) res.writeHead(404).end('{"title":"Nothing is parked.","code":"PARKED_KEY_NOT_FOUND"}');
      else res.end(JSON.stringify({ ...keys[1], handled: 3, still_parked: 0, cause: null }));
    });
    expect(await run('redrive --all')).toEqual({
      code: 0,
      out: 'ledger g k: 0 handled\nledger g l: 3 handled\n',
      err: '',
    });
  });

  test('prints as JSON what was done before Daybook was away', async () => {
    daybook.json('GET /v1/ops/parked', { parked: [parked, parked], more: false, unavailable: [] });
    let asked = 0;
    daybook.on('POST /v1/ops/parked/redrive', (_req, res) => {
      if (asked++ > 0) res.writeHead(503).end();
      else res.end(JSON.stringify({ ...parked, handled: 3, still_parked: 1, cause: '\u009b2J' }));
    });
    const { code, out } = await run('redrive --all --json');
    expect(out).not.toContain('\u009b');
    expect([code, JSON.parse(out)]).toEqual([
      4,
      { redriven: [expect.objectContaining({ handled: 3, cause: '\u009b2J' })], unavailable: [] },
    ]);
  });

  test('shows no text that moves the cursor', async () => {
    list();
    daybook.json('POST /v1/ops/parked/redrive', { ...parked, handled: 0, still_parked: 3, cause: 'a\n\u009b2Jb' });
    expect((await run('redrive --key k')).out).toBe('ledger g k: 0 handled, 3 still parked: a??2Jb\n');
  });

  test('lists without asking for more, and is incomplete while a service does not answer', async () => {
    list(['settlement']);
    const listed = await run('redrive');
    expect([listed.code, listed.out]).toEqual([3, expect.stringContaining('ledger   g      k')]);
    expect(daybook.asked.map(({ line }) => line.split(' ')[0])).toEqual(['GET']);
  });
});

/** Files whose name begins like this one's. */
const leftOf = (file: string) => readdirSync(dirname(file)).filter((name) => name.startsWith(basename(file)));

describe('export', () => {
  const header = '{"type":"header","first":0,"last":0}\n';
  const manifest = '{"type":"manifest","book":"live","first":0,"last":0,"events":1,"coveredBy":null}\n';
  const whole = `${header}{"type":"event"}\n${manifest}`;
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

  test('says which checkpoint it ends before, and where the next one begins', async () => {
    daybook.on('GET /v1/ops/journal/export', (_req, res) => {
      res.setHeader('Checkpoint-Left-Out', '1');
      res.end(whole);
    });
    expect(await run(`export -o ${output}`)).toMatchObject({
      code: 0,
      err: 'event 1 is left out: it records a signed checkpoint, which does not cover itself; the next export is --from 1\n',
    });
    const said = await run(`export -o ${output} --json`);
    expect([JSON.parse(said.out), said.err]).toMatchObject([
      { last: 0, left_out: { sequence: 1, reason: expect.stringContaining('does not cover itself') } },
      '',
    ]);
    daybook.on('GET /v1/ops/journal/export', (_req, res) => res.end(whole));
    expect((await run(`export -o ${output}`)).err).toBe('');
    expect(JSON.parse((await run(`export -o ${output} --json`)).out)).toMatchObject({ left_out: null });
  });

  test('of no events says so', async () => {
    daybook.on('GET /v1/ops/journal/export', (_req, res) =>
      res.end(
        '{"type":"header","first":7,"last":6}\n{"type":"manifest","book":"live","first":7,"last":6,"events":0,"coveredBy":null}\n',
      ),
    );
    expect((await run(`export -o ${output}`)).out).toBe(`${output}: no events from 7 on of the live book\n`);
  });

  test.each<[string, Handler]>([
    ['ends early', (_req, res) => res.end(header)],
    ['is cut off', (_req, res) => res.write(header, () => res.destroy())],
    ['is empty', (_req, res) => res.end()],
    ['is a page of a proxy', (_req, res) => res.end('<html>\nwelcome\n')],
    ['is JSON and no object', (_req, res) => res.end('null\n17\n')],
  ])('leaves nothing behind when it %s', async (_name, handler) => {
    daybook.on('GET /v1/ops/journal/export', handler);
    const file = join(home, 'y.jsonl');
    expect(await run(`export -o ${file}`)).toMatchObject({ code: 4, out: '' });
    expect(leftOf(file)).toEqual([]);
  });

  test('refuses a directory before it asks for anything', async () => {
    const refused = await run(`export -o ${home}`);
    expect(refused).toEqual({ code: 2, out: '', err: `daybook: --output: ${home} is a directory; name a file\n` });
    expect([daybook.asked, leftOf(`${home}.`)]).toEqual([[], []]);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 130],
    ['SIGHUP', 129],
  ] as const)('is broken off by %s, and leaves nothing behind', async (signal, code) => {
    const file = join(home, 'z.jsonl');
    let interrupt!: (signal: NodeJS.Signals) => void;
    daybook.on('GET /v1/ops/journal/export', (_req, res) => {
      res.write(header);
      interrupt(signal);
    });
    const ended = await run(`export -o ${file}`, {}, (listener) => (interrupt = listener));
    expect(ended).toEqual({ code, out: '', err: 'daybook: interrupted; nothing was written\n' });
    expect(leftOf(file)).toEqual([]);
  });

  test('through a link replaces what the link names, there or not, and the link stays', async () => {
    daybook.on('GET /v1/ops/journal/export', (_req, res) => res.end(whole));
    const at = mkdtempSync(join(home, 'links-'));
    mkdirSync(join(at, 'real'));
    writeFileSync(join(at, 'real/there'), 'before');
    const links = {
      direct: 'real/there',
      dangling: 'real/not-yet',
      twice: 'absolute',
      absolute: join(at, 'real/third'),
    };
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(at, name));
    for (const name of ['direct', 'dangling', 'twice'])
      expect(await run(`export -o ${join(at, name)}`)).toMatchObject({ code: 0 });
    for (const [name, target] of Object.entries(links)) expect(readlinkSync(join(at, name))).toBe(target);
    expect(readdirSync(join(at, 'real'))).toEqual(['not-yet', 'there', 'third']);
    for (const name of ['not-yet', 'there', 'third']) expect(readFileSync(join(at, 'real', name), 'utf8')).toBe(whole);
  });

  test('refuses a pipe and a link that leads nowhere, which stay what they are', async () => {
    const at = mkdtempSync(join(home, 'others-'));
    execFileSync('mkfifo', [join(at, 'pipe')]);
    symlinkSync('pipe', join(at, 'to-pipe'));
    symlinkSync('loop', join(at, 'loop'));
    // NOTE: No device: where the refusal is broken, root would replace it.
    for (const name of [join(at, 'pipe'), join(at, 'to-pipe')])
      expect(await run(`export -o ${name}`)).toEqual({
        code: 2,
        out: '',
        err: `daybook: --output: ${name} is no regular file; name a file\n`,
      });
    expect(await run(`export -o ${join(at, 'loop')}`)).toMatchObject({
      code: 2,
      err: expect.stringContaining('ELOOP'),
    });
    expect([readdirSync(at), daybook.asked]).toEqual([['loop', 'pipe', 'to-pipe'], []]);
    expect(statSync(join(at, 'pipe')).isFIFO()).toBe(true);
  });

  test('is only for who writes it, whatever is there already', async () => {
    const file = join(home, 'own.jsonl');
    writeFileSync(`${file}.part`, '', { mode: 0o644 });
    daybook.on('GET /v1/ops/journal/export', (_req, res) => res.end(whole));
    expect((await run(`export -o ${file}`)).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

describe('verify', () => {
  const key = Buffer.alloc(32, 1).toString('base64');

  test('refuses in one line what it cannot read', async () => {
    expect(await run(`verify ${home} --pub ${key}`)).toEqual({
      code: 2,
      out: '',
      err: `daybook: ${home} cannot be read: EISDIR\n`,
    });
    const nothing = join(home, 'nothing');
    expect(await run(`verify ${nothing} --pub ${key}`)).toMatchObject({
      code: 2,
      err: `daybook: ${nothing} cannot be read: ENOENT\n`,
    });
    expect(await run(`verify ${home} --pub missing.pem`)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^daybook: --pub: there is no file missing\.pem, and as a key it is neither PEM /),
    });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)(
    'is broken off by %s, also where nothing comes any more, and shows the cursor again',
    async (signal, code) => {
      const pipe = join(mkdtempSync(join(home, 'verify-')), 'pipe');
      execFileSync('mkfifo', [pipe]);
      const watched = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
      const ended = run(`verify ${pipe} --pub ${key}`, { watched }, (interrupt) => setImmediate(interrupt, signal));
      const writer = await open(pipe, 'w');
      expect(await ended).toEqual({ code, out: '', err: 'daybook: interrupted\n' });
      await writer.close();
      const drawn = String(watched.read());
      expect(drawn.lastIndexOf('\u001b[?25h')).toBeGreaterThan(drawn.lastIndexOf('\u001b[?25l'));
    },
  );

  test('refuses a file whose last line has no end, and says which', async () => {
    const file = join(home, 'cut.jsonl');
    writeFileSync(file, '{"type":"header"');
    expect(await run(`verify ${file} --pub ${key}`)).toMatchObject({
      code: 1,
      out: 'INVALID: the line has no end, as in a file that was cut off (line 1)\n',
    });
  });
});

describe('standard output and standard error', () => {
  const failing = (code: string, attempts: string[] = []) =>
    new Writable({
      write(chunk, _encoding, done) {
        attempts.push(String(chunk));
        done(Object.assign(new Error(code), { code }));
      },
    });

  test.each([
    ['ENOSPC', 0, 6, 'daybook: the output cannot be written: ENOSPC\n'],
    ['ENOSPC', 1, 1, 'daybook: the output cannot be written: ENOSPC\n'],
    ['EPIPE', 0, 0, null],
    ['EPIPE', 3, 3, null],
  ])('%s of the output turns the code %i into %i', async (failure, code, exit, said) => {
    const [attempts, stderr] = [[] as string[], new PassThrough({ encoding: 'utf8' })];
    const streams = standardStreams({ stdout: failing(failure, attempts), stderr });
    streams.out('a');
    await new Promise((resolve) => setImmediate(resolve));
    streams.out('b');
    expect([await streams.settle(code), stderr.read(), attempts]).toEqual([exit, said, ['a']]);
  });

  test.each(['ENOSPC', 'EPIPE', 'EIO'])('%s of standard error turns no code into another', async (failure) => {
    const streams = standardStreams({ stdout: new PassThrough(), stderr: failing(failure) });
    streams.err('a');
    streams.out('b');
    for (const code of [0, 4]) expect(await streams.settle(code)).toBe(code);
  });

  test('it ends when all is written, also when nothing was', async () => {
    const written: string[] = [];
    const slow = new Writable({
      write: (chunk, _encoding, done) => void setImmediate(() => (written.push(String(chunk)), done())),
    });
    const streams = standardStreams({ stdout: slow, stderr: new PassThrough() });
    expect(await streams.settle(0)).toBe(0);
    for (const text of ['a', 'b', 'c']) streams.out(text);
    expect([await streams.settle(0), written]).toEqual([0, ['a', 'b', 'c']]);
  });
});
