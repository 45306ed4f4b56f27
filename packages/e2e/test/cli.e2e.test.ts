/** Every command of `daybook` against a running instance, as an operator or an auditor types them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@daybook/testing';
import { Instance } from './instance';

const program = join(__dirname, '../../cli/bin/daybook.js');

describe('daybook', () => {
  const instance = new Instance({ CHECKPOINT_DELAY_MS: '100' });
  const file = join(instance.home, 'journal.jsonl');
  const publicKey = join(instance.home, 'checkpoint-public-key.pem');

  /** Runs the program with nothing but DAYBOOK_HOME, or with nothing at all. */
  async function daybook(args: readonly string[], env: Record<string, string> = { DAYBOOK_HOME: instance.home }) {
    const child = spawn(process.execPath, [program, ...args], { env: { PATH: process.env.PATH, ...env } as never });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, out, err };
  }
  async function json(args: readonly string[]): Promise<Record<string, unknown>> {
    const { code, out, err } = await daybook([...args, '--json']);
    // A job that is started says its id.
    expect({ args, code, err }).toEqual({ args, code: 0, err: expect.stringMatching(/^([\w-]{36} started\n)?$/) });
    return JSON.parse(out) as Record<string, unknown>;
  }

  beforeAll(async () => {
    await instance.start();
    const answer = await instance.transfer('12.50');
    expect(answer.status).toBeLessThan(300);
    await eventually(
      async () => {
        const { transactions } = await json(['transactions']);
        expect(transactions).toContainEqual(expect.objectContaining({ rule: 'transfer@1' }));
        const { books } = (await json(['status'])) as {
          books: { events: number; last_checkpoint: { size: number } }[];
        };
        // All but the last checkpoint itself is signed.
        expect(books.some(({ events, last_checkpoint: last }) => last?.size === events - 1)).toBe(true);
      },
      { timeoutMs: 20_000 },
    );
  });
  afterAll(() => instance.dispose());

  test('status tells of services, books, readers and parked messages', async () => {
    const { code, out } = await daybook(['status']);
    expect(code).toBe(0);
    for (const line of [/^ledger +yes +0$/m, /^identity +yes +0$/m, /^sandbox +\d+ +\d+ +\d{4}-/m, /^parked keys +0$/m])
      expect(out).toMatch(line);
  });

  test('balance, accounts and transactions show exact amounts', async () => {
    const { walletId } = instance.credentials.pay;
    expect(await json(['balance', walletId])).toMatchObject({ account_id: walletId, asset: 'TXC', posted: '1238.25' });
    expect((await daybook(['balance', walletId])).out).toContain('1238.25');
    const { entries } = (await json(['entries', '--account', walletId])) as { entries: { balance: string }[] };
    expect(entries.map(({ balance }) => balance)).toEqual(['1250.75', '1238.25']);
    expect((await daybook(['entries'])).out).toMatch(/ debit .* 12\.50 /);
    const now = new Date().toISOString();
    expect(await json(['balance', walletId, '--as-of', now])).toMatchObject({ posted: '1238.25', entry_count: 2 });
    const before = ['--known-at', '2020-01-01T00:00:00Z'];
    expect(await json(['entries', ...before])).toMatchObject({ entries: [] });
    const { accounts, more, watermark } = await json(['accounts', '--limit', '1']);
    expect([(accounts as unknown[]).length, more]).toEqual([1, true]);
    expect(watermark).toEqual({ sequence: expect.any(Number), at: expect.any(String) });
    expect((await daybook(['transactions', '--limit', '500'])).out).toMatch(/debit \S+ 12\.50 TXC/);
    for (const command of [['balance'], ['entries', '--account']]) {
      const unknown = await daybook([...command, 'nobody']);
      expect([command, unknown.code, unknown.out]).toEqual([command, 4, '']);
      expect(unknown.err).toMatch(/^daybook: .* answered 404 ACCOUNT_NOT_FOUND: .*\n$/);
      expect((await daybook([...command, ''])).code).toBe(2);
    }
  });

  test('export writes a file that verify finds valid with the public key alone', async () => {
    const { books } = (await json(['status'])) as {
      books: { mode: string; last_checkpoint: { size: number } | null }[];
    };
    const { size } = books.find(({ mode }) => mode === 'sandbox')!.last_checkpoint!;
    const exported = await json(['export', '-o', file]);
    const [whole, left] = [{ first: 0, last: size - 1 }, { sequence: size }];
    expect(exported).toMatchObject({ book: 'sandbox', ...whole, signed: true, left_out: left });
    const verified = await daybook(['verify', file, '--pub', publicKey], {});
    expect(verified).toMatchObject({ code: 0, err: '' });
    expect(verified.out).toMatch(/^VALID events 0 to \d+ of daybook\//);
    const other = await daybook(['verify', file, '--pub', publicKey, '--origin', 'daybook/book-live'], {});
    expect(other).toMatchObject({ code: 1, out: expect.stringMatching(/^INVALID: .* not of daybook\/book-live/) });
  });

  test('verify of a range without events says so', async () => {
    const empty = join(instance.home, 'empty.jsonl');
    await json(['export', '--to', '2020-01-01T00:00:00Z', '-o', empty]);
    const verified = await daybook(['verify', empty, '--pub', publicKey], {});
    expect(verified).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^VALID no events from 0 of daybook\/\S+; 1 check/),
    });
  });

  test('verify refuses a changed file, names the event, and tells what is not signed from what is wrong', async () => {
    const changed = join(instance.home, 'changed.jsonl');
    writeFileSync(
      changed,
      readFileSync(file, 'utf8').replace('"sequence":3,"payload":"{', '"sequence":3,"payload":"{ '),
    );
    const refused = await daybook(['verify', changed, '--pub', publicKey, '--json'], {});
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.out)).toMatchObject({ status: 'invalid', problem: { sequence: 3 } });
    const all = join(instance.home, 'all.jsonl');
    const { left_out: left } = (await json(['export', '-o', all])) as { left_out: { sequence: number } };
    await json(['export', '--to', String(left.sequence), '-o', all]);
    // Its last event is a checkpoint, which covers only what is before it.
    const open = await daybook(['verify', all, '--pub', publicKey], {});
    expect([open.code, open.out]).toEqual([3, expect.stringMatching(/^INCOMPLETE .* the last 1 are not covered/)]);
    const usage = await daybook(['verify', file, '--pub', 'nonsense'], {});
    expect(usage.code).toBe(2);
  });

  test('who reads no more ends it quietly', async () => {
    const child = spawn(process.execPath, [program, '--help']);
    child.stdout.destroy();
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    expect([await once(child, 'close'), err]).toEqual([[0, null], '']);
  });

  test('export of the live book needs its own operator, which the credentials have', async () => {
    const live = join(instance.home, 'live.jsonl');
    expect(await json(['export', '--mode', 'live', '-o', live])).toMatchObject({ book: 'live', events: 0 });
    const refused = await daybook(['export', '--from', '5', '--to', '3', '-o', `${live}.2`]);
    const left = readdirSync(instance.home).filter((name) => name.startsWith('live.jsonl.2'));
    expect([refused.code, left]).toEqual([4, []]);
  });

  test('a replay is a dry run that finds nothing to change, and a check is clean', async () => {
    const replay = await json(['replay']);
    expect(replay).toMatchObject({ kind: 'replay', status: 'succeeded', parameters: { dry_run: true } });
    const check = await json(['check']);
    expect(check).toMatchObject({ kind: 'check', status: 'succeeded', report: { status: 'CLEAN' } });
    expect(JSON.stringify(check)).toContain('"TREE"');
    const status = await daybook(['status']);
    expect(status.out).toContain(`last check of sandbox: clean (full) at ${String(check.finished_at)}`);
    expect(status.out).toMatch(/^last check of live: /m);
    expect(status.code).toBe(0);
    expect(await json(['check', '--incremental'])).toMatchObject({ report: { status: 'CLEAN', scope: 'incremental' } });
    const later = await daybook(['status']);
    expect(later.out).toMatch(/^last check of sandbox: clean \(incremental\) at /m);
    expect(later.out).toContain(`last full check of sandbox: clean (full) at ${String(check.finished_at)}`);
    expect((await daybook(['check', '--cancel', String(check.id)])).out).toBe(`${String(check.id)} succeeded\n`);
  });

  test('in another time zone and another language the read models are made the same again', async () => {
    expect(await instance.stop()).toBe(0);
    await instance.start({ TZ: 'Asia/Kathmandu', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' });
    expect(await json(['replay'])).toMatchObject({
      status: 'succeeded',
      report: { equal: true },
    });
    expect(await json(['check'])).toMatchObject({ status: 'succeeded', report: { status: 'CLEAN' } });
  });

  test('redrive lists what is parked, and finds nothing', async () => {
    expect((await daybook(['redrive'])).out).toBe('nothing is parked\n');
    expect(await json(['redrive', '--all'])).toEqual({ redriven: [], unavailable: [] });
    expect((await daybook(['redrive', '--key', 'nothing'])).code).toBe(1);
  });

  test('a wrong address, a wrong token and a wrong option are told in one line', async () => {
    const away = await daybook(['status'], { DAYBOOK_URL: 'http://127.0.0.1:1', DAYBOOK_TOKEN: 'x' });
    expect([away.code, away.err]).toEqual([
      4,
      expect.stringMatching(/^daybook: cannot reach http:\/\/127\.0\.0\.1:1: .+\n$/),
    ]);
    const stranger = await daybook(['status'], { DAYBOOK_URL: instance.url, DAYBOOK_TOKEN: 'x' });
    expect([stranger.code, stranger.err]).toEqual([4, expect.stringContaining('answered 401')]);
    expect((await daybook(['status', '--nonsense'])).code).toBe(2);
    expect((await daybook([])).code).toBe(2);
  });
});

describe('the process of daybook', () => {
  const home = mkdtempSync(join(tmpdir(), 'daybook-process-'));
  const key = Buffer.alloc(32, 1).toString('base64');
  let answer: RequestListener;
  const server = createServer((req, res) => answer(req, res));
  beforeAll(() => once(server.listen(0, '127.0.0.1'), 'listening'));
  afterAll(async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
    rmSync(home, { recursive: true });
  });

  /** `"$@"` of the line is the program with its arguments. */
  function shell(line: string, args: readonly string[]) {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { PATH: process.env.PATH, DAYBOOK_URL: url, DAYBOOK_TOKEN: 'x' } as never;
    return spawn('bash', ['--norc', '-c', line, 'bash', process.execPath, program, ...args], { env });
  }
  async function ended(child: ReturnType<typeof shell>) {
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, out, err };
  }

  const row = { service: 'ledger', group: 'g', first_parked_at: 't', cause: null };
  const parked = ['a', 'b', 'c'].map((name) => ({ ...row, key: name, messages: 1 }));

  /** Three parked keys; `left` of the last one stay. Returns those that were handled. */
  function threeParked(left: number): string[] {
    const handled: string[] = [];
    answer = (req, res) => {
      if (req.method === 'GET') return void res.end(JSON.stringify({ parked, more: false, unavailable: [] }));
      req.on('data', (chunk: Buffer) => {
        const { key: name } = JSON.parse(chunk.toString()) as { key: string };
        handled.push(name);
        res.end(JSON.stringify({ ...row, key: name, handled: 1, still_parked: name === 'c' ? left : 0, cause: 'c' }));
      });
    };
    return handled;
  }

  const failed = 'daybook: the output cannot be written: ENOSPC\n';
  test.each([
    ['"$@" | true; exit ${PIPESTATUS[0]}', 0, 0, ''],
    ['"$@" | true; exit ${PIPESTATUS[0]}', 1, 1, ''],
    ['"$@" > /dev/full', 0, 6, failed],
    ['"$@" > /dev/full', 1, 1, failed],
  ])('%s does not keep redrive from going on, with %i left', async (line, left, code, err) => {
    const handled = threeParked(left);
    expect(await ended(shell(line, ['redrive', '--all']))).toEqual({ code, out: '', err });
    expect(handled).toEqual(['a', 'b', 'c']);
  });

  test('a list that is read no further is no error, and one that cannot be written is', async () => {
    threeParked(0);
    const closed = await ended(shell('"$@" | true; exit ${PIPESTATUS[0]}', ['redrive']));
    expect(closed).toEqual({ code: 0, out: '', err: '' });
    expect(await ended(shell('"$@" > /dev/full', ['redrive']))).toEqual({ code: 6, out: '', err: failed });
  });

  test('no failure of standard error changes the code', async () => {
    const missing = ['verify', join(home, 'nofile'), '--pub', key];
    for (const line of ['"$@" 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}', '"$@" 2>/dev/full'])
      expect(await ended(shell(line, missing))).toEqual({ code: 2, out: '', err: '' });
    answer = (_req, res) => res.writeHead(404).end('{}');
    expect((await ended(shell('"$@" 2>/dev/full', ['balance', 'nope']))).code).toBe(4);
  });

  test('a terminal that is closed breaks an export off, which leaves nothing behind', async () => {
    const file = join(home, 'hung-up.jsonl');
    const asked = new Promise<void>((resolve) => {
      answer = (_req, res) => res.write('{"type":"header","first":0,"last":0}\n', () => resolve());
    });
    const child = shell('exec "$@"', ['export', '-o', file]);
    await asked;
    child.kill('SIGHUP');
    expect(await ended(child)).toEqual({ code: 129, out: '', err: 'daybook: interrupted; nothing was written\n' });
    expect(readdirSync(home)).toEqual([]);
  });

  test('an export that finds no space says so with a code of its own, and leaves nothing behind', async () => {
    answer = (_req, res) => res.end('{"type":"header","first":0,"last":0}\n'.repeat(100));
    const { code, err } = await ended(shell('ulimit -f 1; exec "$@"', ['export', '-o', join(home, 'large.jsonl')]));
    expect([code, err]).toEqual([6, expect.stringMatching(/^daybook: .*\.part cannot be written: EFBIG\n$/)]);
    expect(readdirSync(home)).toEqual([]);
  });
});
