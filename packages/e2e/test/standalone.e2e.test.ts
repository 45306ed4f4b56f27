import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readEndpoints } from '@daybook/standalone';
import { acceptedAmountTokens, eventually, refusedAmountTokens } from '@daybook/testing';
import { Client } from 'pg';
import { Instance } from './instance';
import { expectBooksBalance } from './stories';
import { openTenant } from './tenant';

describe('the standalone', () => {
  const daybook = new Instance();
  beforeAll(() => daybook.start(), 120_000);
  afterAll(() => daybook.dispose());
  afterEach(() => expectBooksBalance(daybook));

  const others: Instance[] = [];
  afterEach(() => Promise.all(others.splice(0).map((other) => other.dispose())));
  /** With a home of its own, unless the settings name one. */
  const another = (settings: Record<string, string> = {}) => {
    const other = new Instance(settings);
    others.push(other);
    return other;
  };

  test('says where it is ready as its last start-up line', async () => {
    await eventually(async () => expect(daybook.log).toMatch(`\nDaybook ready on ${daybook.url}\n`), {
      timeoutMs: 5_000,
    });
    const [startUp = ''] = daybook.log.split('Daybook ready on');
    const lines = startUp.trimEnd().split('\n');
    expect(lines.filter((line) => !line.startsWith('{'))).toEqual([]);
  });

  test('writes the credentials of the demo tenant for the owner alone', () => {
    const file = join(daybook.home, 'credentials.json');
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      baseUrl: daybook.url,
      partner: { username: expect.any(String), password: expect.any(String), apiKey: expect.any(String) },
      intents: { clientId: expect.stringMatching(/^[0-9a-f-]{36}$/), clientSecret: expect.any(String) },
      merchant: {
        sandbox: { apiKey: expect.any(String), apiSecret: expect.any(String) },
        live: { apiKey: expect.any(String), apiSecret: expect.any(String) },
      },
      wallet: Object.fromEntries(
        ['administrator', 'accountant', 'individual'].map((role) => [
          role,
          { login: expect.any(String), password: expect.any(String) },
        ]),
      ),
      pay: {
        token: expect.any(String),
        signingSecret: expect.any(String),
        walletId: expect.any(String),
        recipientToken: expect.any(String),
        recipientWalletId: expect.any(String),
      },
      ops: { token: expect.any(String), liveToken: expect.any(String) },
      auditor: {
        token: expect.any(String),
        databaseUrl: expect.any(String),
        tenantDatabaseUrl: expect.any(String),
      },
    });
  });

  test('the keys of hot wallets are in files of the signer, for the owner alone', () => {
    const directory = join(daybook.home, 'signer');
    expect(readdirSync(directory).toSorted()).toEqual(['keystore.json', 'signatures.log']);
    for (const path of [directory, ...readdirSync(directory).map((file) => join(directory, file))])
      expect([path, statSync(path).mode & 0o077]).toEqual([path, 0]);
    expect(daybook.log).toMatch(/"service":"signer".*"keystore open"/);
  });

  test('every service answers /healthz, /readyz and /metrics', async () => {
    const { services } = readEndpoints(daybook.home);
    expect(Object.keys(services).toSorted()).toEqual([
      'chain-watcher',
      'gateway',
      'identity',
      'intents',
      'ledger',
      'notifications',
      'settlement',
    ]);
    for (const [name, url] of Object.entries(services)) {
      expect([name, (await fetch(`${url}/healthz`)).status, (await fetch(`${url}/readyz`)).status]).toEqual([
        name,
        200,
        200,
      ]);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      expect(metrics).toContain(`http_request_duration_seconds_count`);
      expect(metrics).toContain(`service="${name}"`);
    }
  });

  test('every demo credential is known to the gateway', async () => {
    const { partner, intents, merchant, wallet, pay, ops, auditor } = daybook.credentials;
    const basic = ({ apiKey, apiSecret }: { apiKey: string; apiSecret: string }) => ({
      Authorization: `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`,
    });
    const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
    const direct = [
      { 'X-API-Key': partner.apiKey },
      { 'X-Client-ID': intents.clientId, 'X-Client-Secret': intents.clientSecret },
      basic(merchant.sandbox),
      basic(merchant.live),
      ...[pay.token, pay.recipientToken, ops.token, auditor.token].map(bearer),
    ];
    for (const headers of direct)
      expect(
        (await daybook.request('GET', '/v1/credential', { headers: headers as Record<string, string> })).status,
      ).toBe(200);
    const logins = [
      { login: partner.username, password: partner.password },
      wallet.administrator,
      wallet.accountant,
      wallet.individual,
    ];
    for (const login of logins) {
      const { status, body } = await daybook.request('POST', '/v1/tokens', { body: login });
      expect(status).toBe(200);
      expect((await daybook.request('GET', '/v1/credential', { headers: bearer(String(body.token)) })).status).toBe(
        200,
      );
    }
  });

  test('the auditor reads the audit views and nothing else', async () => {
    const client = new Client({ connectionString: daybook.credentials.auditor.databaseUrl ?? '' });
    await client.connect();
    const { rows } = await client.query<{ n: string }>('select count(*)::text as n from ledger.audit_entries');
    expect(Number(rows[0]?.n)).toBeGreaterThanOrEqual(2);
    await expect(client.query('select * from ledger.events')).rejects.toMatchObject({ code: '42501' });
    await client.query('set default_transaction_read_only = off');
    await expect(client.query('delete from ledger.accounts_v1')).rejects.toMatchObject({ code: '42501' });
    await expect(client.query('select pg_advisory_lock(1)')).rejects.toMatchObject({ code: '42501' });
    await client.end();
    const { pay, auditor } = daybook.credentials;
    const tenants = new Client({ connectionString: auditor.tenantDatabaseUrl ?? '' });
    await tenants.connect();
    const accounts = await tenants.query<{ id: string }>('select account_id as id from ledger.audit_accounts');
    expect(accounts.rows.map(({ id }) => id)).toContain(pay.walletId);
    expect(accounts.rows.map(({ id }) => id)).not.toContain(pay.recipientWalletId);
    await tenants.end();
    for (const url of [auditor.databaseUrl, auditor.tenantDatabaseUrl])
      for (const pathname of ['/postgres', '/template1']) {
        const elsewhere = new Client({ connectionString: Object.assign(new URL(url ?? ''), { pathname }).href });
        await expect(elsewhere.connect()).rejects.toMatchObject({ code: '42501' });
      }
  });

  test('the demo wallet holds 1250.75 TXC, written with two decimals', async () => {
    const answer = await daybook.pay('GET', '/pay/v1/wallet/balance');
    expect(answer.text).toContain('"available_balance":1250.75,"pending_balance":0.00');
  });

  test.each(refusedAmountTokens)('the amount %s is refused at both APIs, naming the field', async (token) => {
    const payer = daybook.credentials.pay;
    const pay = await daybook.transfer(token);
    expect([token, pay.status]).toEqual([token, 400]);
    expect((pay.body.error as { code: string }).code).toBe('INVALID_REQUEST');
    const intent = await daybook.intents('POST', '/api/v1/intents/create-payment', {
      rawBody: `{"amount":${token},"currency":"USDT_TRC20","order_id":"V"}`,
    });
    expect([token, intent.status, intent.body.code]).toEqual([token, 400, 'INVALID_REQUEST']);
    expect(
      (await daybook.pay('GET', '/pay/v1/wallet/balance', { token: payer.recipientToken })).body.available_balance,
    ).toBe(0);
  });

  test('every well-formed amount is accepted at both APIs', async () => {
    const payer = await openTenant(daybook, { txc: 10n ** 20n });
    for (const token of acceptedAmountTokens) {
      // A large one still needs a signature: what matters here is that the amount itself is not refused.
      const { status } = await daybook.transfer(token, { token: payer.payToken });
      expect([token, [200, 403].includes(status)]).toEqual([token, true]);
      const intent = await daybook.intents('POST', '/api/v1/intents/create-payment', {
        rawBody: `{"amount":${token},"currency":"USDT_TRC20","order_id":"V"}`,
      });
      expect([token, intent.status]).toEqual([token, 200]);
    }
  });

  test('an auditor of an earlier start gets the limits of this one', async () => {
    const asked = async () => {
      const client = new Client({ connectionString: daybook.databaseUrl });
      await client.connect();
      const { rows } = await client.query<{ limit: number; open: boolean }>(
        `select rolconnlimit as "limit", has_function_privilege(oid, 'pg_advisory_lock(bigint)', 'execute') as open
           from pg_roles where rolname = 'daybook_auditor'`,
      );
      await client.query('alter role daybook_auditor connection limit -1');
      await client.query('grant execute on function pg_advisory_lock(bigint) to public');
      await client.end();
      return rows;
    };
    await asked();
    expect(await asked()).toEqual([{ limit: -1, open: true }]);
    await daybook.stop();
    await daybook.start();
    expect(await asked()).toEqual([{ limit: 10, open: false }]);
  });

  test('a wrong setting stops the start with a message that names it', async () => {
    await expect(another({ LOG_LEVEL: 'loud', DATABASE_URL: 'mysql://x/y' }).start()).rejects.toThrow(
      /\(64\)[\s\S]*DATABASE_URL[\s\S]*LOG_LEVEL/,
    );
  });

  test('a second one on the same home is refused while the first runs', async () => {
    await expect(another({ DAYBOOK_HOME: daybook.home }).start()).rejects.toThrow(/^another Daybook runs .*\n$/m);
    await eventually(async () => expect((await daybook.request('GET', '/readyz')).status).toBe(200), {
      timeoutMs: 5_000,
    });
  });

  test('one that is started while another stops takes over when that has ended', async () => {
    const client = new Client({ connectionString: daybook.databaseUrl });
    await client.connect();
    const next = another({ DAYBOOK_HOME: daybook.home });
    const started = next.start();
    await eventually(
      async () => {
        const { rowCount } = await client.query(
          "select 1 from pg_stat_activity where query like 'select pg_try_advisory_lock%'",
        );
        expect(rowCount).toBe(2);
      },
      { timeoutMs: 20_000 },
    );
    await client.end();
    expect(await daybook.stop()).toBe(0);
    await started;
    expect((await next.request('GET', '/readyz')).status).toBe(200);
    await next.stop();
    await daybook.start();
  });

  test('a database that is gone is told in one line, and not replaced by one that knows no credential', async () => {
    const data = join(daybook.home, 'postgres', 'data');
    await daybook.stop();
    renameSync(data, `${data}.away`);
    await expect(daybook.start()).rejects.toThrow(
      new RegExp(`^The database .* is not in ${data} any more: .* delete the whole of ${daybook.home} to.*\n$`, 'm'),
    );
    expect(existsSync(data)).toBe(false);
    renameSync(`${data}.away`, data);
    await daybook.start();
  });

  test('others find nothing in the home that they could read but the public key', () => {
    const readable = (directory: string): string[] =>
      readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
        const path = join(directory, entry.name);
        const { mode } = statSync(path);
        if (entry.isDirectory()) return (mode & 0o011) === 0 ? [] : readable(path);
        return (mode & 0o077) === 0 ? [] : [path];
      });
    // The log is the harness's own.
    expect(readable(daybook.home).toSorted()).toEqual(
      ['checkpoint-public-key.pem', 'log.jsonl'].map((name) => join(daybook.home, name)),
    );
  });

  test('a home that it makes holds the database too, also when root starts it', async () => {
    const other = another();
    const home = join(other.home, 'made');
    const settings = { DAYBOOK_HOME: home, DAYBOOK_PORT: new URL(daybook.url).port };
    await expect(other.start(settings)).rejects.toThrow(/^port .* is taken/m);
    expect(existsSync(join(home, 'postgres', 'data', 'PG_VERSION'))).toBe(true);
    expect((statSync(home).mode & 0o777).toString(8)).toBe(process.getuid?.() === 0 ? '711' : '700');
  });

  test('a port that is taken is told in one line, with what to set', async () => {
    const port = new URL(daybook.url).port;
    const other = another({ DAYBOOK_PORT: port });
    await expect(other.start()).rejects.toThrow(
      new RegExp(`^port ${port} is taken; give another as DAYBOOK_PORT`, 'm'),
    );
    expect(other.log).not.toMatch(/^ +at /m);
  });

  test.each([
    [
      'a database that is away',
      { DATABASE_URL: 'postgres://daybook:secret@127.0.0.1:9/daybook' },
      /:\n+the database of DATABASE_URL cannot be used: connect ECONNREFUSED 127\.0\.0\.1:9\n$/,
    ],
    [
      'a broker that is away',
      { MESSAGING: 'kafka', KAFKA_BROKERS: '127.0.0.1:9' },
      /^Daybook: topics did not start: .*ECONNREFUSED 127\.0\.0\.1:9\n$/m,
    ],
  ])('%s is told in one line, without the password', async (_what, settings, said) => {
    const other = another({ LOG_LEVEL: 'silent', ...settings });
    await expect(other.start()).rejects.toThrow(said);
    expect(other.log).not.toMatch(/^ +at |secret/m);
  });

  test('stops cleanly on SIGTERM, and starts again with everything it knew', async () => {
    const { id } = await daybook.createIntent('UPI', '10.00');
    const { token } = daybook.credentials.pay;
    expect(await daybook.stop()).toBe(0);
    await expect(new Client({ connectionString: daybook.databaseUrl }).connect()).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await daybook.start();
    expect(daybook.credentials.pay.token).toBe(token);
    expect(daybook.credentials.baseUrl).toBe(daybook.url);
    expect(await daybook.intent(id)).toMatchObject({ status: 'pending' });
  });
});
