import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkBooks, expectBooksBalance, testDatabase, type TestDatabase } from '@daybook/testing';
import type { Pool } from 'pg';
import { expectedTables } from '../src/books-tables';
import { foldBook } from '../src/books-journal';
import { sampleDeposit, sampleDrafts, seal } from './journal';

const root = join(__dirname, '../../..');
const stream = 'book-sandbox';

async function runMigrations(pool: Pool, schema: string, folders: readonly string[]): Promise<void> {
  await pool.query(`create schema ${schema}`);
  for (const folder of folders) {
    const path = join(root, folder, 'migrations');
    for (const name of readdirSync(path).toSorted()) await pool.query(readFileSync(join(path, name), 'utf8'));
  }
}

async function insert(pool: Pool, table: string, row: Readonly<Record<string, unknown>>): Promise<void> {
  const columns = Object.keys(row);
  const places = columns.map((_, index) => `$${index + 1}`);
  await pool.query(`insert into ${table} (${columns.join()}) values (${places.join()})`, Object.values(row));
}

async function storeEvents(pool: Pool, name: string, events: ReturnType<typeof seal>): Promise<void> {
  for (const { id, revision, type, payload } of events) {
    const arrays = { ids: [id], types: [type], versions: [1], payloads: [payload], metadata: ['{}'] };
    await insert(pool, 'appends', { stream: name, first_revision: revision, count: 1, ...arrays });
  }
}

/** What the fold does not look at, so that the tables accept the rows. */
const rest = {
  accounts: { opened_at: 'now', updated_at: 'now', opened_sequence: 0, last_sequence: 0 },
  transfers: { accepted_at: 'now', accepted_sequence: 0, last_sequence: 0 },
  transactions: { posted_at: 'now' },
  entries: { posted_at: 'now' },
  holds: { placed_at: 'now', updated_at: 'now', placed_sequence: 0, last_sequence: 0 },
};

/** The columns that the fold knows, of the tables that the ledger builds when it starts. */
const readModels = `
  create table accounts_v1 (mode text, account_id text, tenant_id uuid, asset text, type text, floor numeric,
    ceiling numeric, posted numeric, held numeric, incoming numeric, frozen boolean, version bigint, opened_at timestamptz,
    updated_at timestamptz, opened_sequence bigint, last_sequence bigint);
  create table transfers_v1 (mode text, transfer_id text, debit_tenant_id uuid, debit_account_id text,
    credit_tenant_id uuid, credit_account_id text, asset text, amount numeric, reference_id text, status text,
    failure text, ledger_reference text, accepted_at timestamptz, accepted_sequence bigint, last_sequence bigint);
  create table transactions_v1 (mode text, sequence bigint, transaction_id text, tenant_id uuid, cause_type text,
    cause_id text, subject text, rule text, ledger_reference text, effective_at timestamptz, posted_at timestamptz);
  create table entries_v1 (mode text, sequence bigint, entry_index int, transaction_id text, account_id text,
    tenant_id uuid, asset text, direction text, amount numeric, balance numeric, account_version bigint,
    effective_at timestamptz, posted_at timestamptz);
  create table holds_v1 (mode text, hold_id text, account_id text, tenant_id uuid, asset text, amount numeric,
    captured numeric, remaining numeric, status text, expires_at timestamptz, placed_at timestamptz,
    updated_at timestamptz, placed_sequence bigint, last_sequence bigint)`;

describe('the books in a database', () => {
  let database: TestDatabase;
  let ledger: Pool;
  let intents: Pool;

  beforeAll(async () => {
    database = await testDatabase();
    ledger = database.pool('ledger');
    intents = database.pool('intents');
    await runMigrations(ledger, 'ledger', ['packages/event-store']);
    await ledger.query(readModels);
    await runMigrations(intents, 'intents', ['packages/event-store']);
    const events = seal(sampleDrafts());
    await storeEvents(ledger, stream, events);
    await storeEvents(intents, 'intent-intent-1', seal([{ type: 'DepositConfirmed', data: sampleDeposit }]));
    const expected = expectedTables(foldBook(stream, events));
    for (const table of ['accounts', 'transfers', 'transactions', 'entries', 'holds'] as const) {
      for (const row of expected[table])
        await insert(ledger, `${table}_v1`, { mode: 'sandbox', ...row, ...rest[table] });
    }
  });
  afterAll(() => database.drop());

  test('are found in order, through pools and through a url', async () => {
    await expectBooksBalance({ ledger, intents });
    expect((await checkBooks({ databaseUrl: database.url })).violations).toEqual([]);
  });

  test.each([
    ['a balance', "update accounts_v1 set posted = posted + 1 where account_id = 'wallet-a'", 'posted is 601'],
    [
      'a ceiling',
      "update accounts_v1 set ceiling = null where account_id like '%:owed'",
      'ceiling is null, the journal says 120',
    ],
    [
      'what is held',
      "update accounts_v1 set held = 0 where account_id = 'wallet-a'",
      'held is 0, the journal says 100',
    ],
    [
      'an account more',
      "insert into accounts_v1 select mode, 'ghost', tenant_id, asset, type, floor, ceiling, posted, held, incoming, frozen, version, opened_at, updated_at, opened_sequence, last_sequence from accounts_v1 where account_id = 'wallet-a'",
      'ghost is not in the journal',
    ],
    ['a status', "update transfers_v1 set status = 'failed' where transfer_id = 't1'", 'status is failed'],
    ['a transfer less', "delete from transfers_v1 where transfer_id = 't2'", 't2 is missing'],
    [
      'a reference',
      "update transactions_v1 set ledger_reference = '0x' where transaction_id = 'i1'",
      'ledger_reference is 0x',
    ],
    [
      'when a transaction happened',
      "update transactions_v1 set effective_at = effective_at - interval '1 ms' where transaction_id = 'i1'",
      'effective_at is 2025-12-31T23:59:59.999Z, the journal says 2026-01-01T00:00:00.000Z',
    ],
    [
      'when an entry happened',
      'update entries_v1 set effective_at = null where sequence = 3 and entry_index = 1',
      '3 1: effective_at is null',
    ],
    ['a hold', "update holds_v1 set status = 'expired' where hold_id = 'h1'", 'h1: status is expired'],
    ['what was captured of a hold', 'update holds_v1 set captured = 60', 'captured is 60, the journal says 20'],
    [
      'when a hold expires',
      "update holds_v1 set expires_at = '2026-01-02T00:00:00Z'",
      'expires_at is 2026-01-02T00:00:00.000Z, the journal says null',
    ],
    ['a hold less', 'delete from holds_v1', 'h1 is missing'],
    [
      'a running balance',
      'update entries_v1 set balance = balance + 1 where sequence = 3 and entry_index = 1',
      'balance is 1001',
    ],
    ['an entry less', 'delete from entries_v1 where sequence = 3 and entry_index = 1', '3 1 is missing'],
    [
      'a stored byte',
      "update events set payload = convert_to(replace(convert_from(payload, 'UTF8'), 'operator', 'Operator'), 'UTF8') where type = 'AccountFrozen'",
      'previousHash is not the hash',
    ],
    [
      'the newest event, which no hash vouches for',
      "update events set revision = revision + 1 where type = 'CommandRejected'",
      'revision 17 is event number 16',
    ],
  ])('changed in %s: reported', async (_what, statement, message) => {
    const client = await ledger.connect();
    // A copy without the triggers that refuse changes.
    try {
      await client.query('create schema spoilt');
      await copySchema(client, 'ledger', 'spoilt');
      await client.query(`set search_path = spoilt; ${statement}`);
      const { violations } = await checkBooks({ ledger: database.pool('spoilt'), intents });
      expect(violations.map((violation) => violation.message).join('\n')).toContain(message);
    } finally {
      await client.query('set search_path = ledger; drop schema spoilt cascade');
      client.release();
    }
  });

  test('a reader that skipped an event, or applied another in its place, is reported', async () => {
    const reader = (count: number, hash: string) =>
      ledger.query(
        `insert into subscriptions (name, version, position, applied_count, applied_hash)
         select 'reader', '', tx || ':' || position, $1, ('x' || $2::text)::bit(128) from events
         order by tx desc, position desc limit 1
         on conflict (name) do update set applied_count = excluded.applied_count, applied_hash = excluded.applied_hash`,
        [count, hash],
      );
    const messages = async () => (await checkBooks({ ledger })).violations.map(({ rule, where }) => [rule, where]);
    const ids = seal(sampleDrafts()).map(({ id }) => BigInt(`0x${id.replaceAll('-', '')}`));
    const hash = ids
      .reduce((sum, id) => sum ^ id, 0n)
      .toString(16)
      .padStart(32, '0');
    await reader(ids.length, hash);
    expect(await messages()).toEqual([]);
    await reader(ids.length - 1, hash);
    expect(await messages()).toEqual([['reader', 'ledger']]);
    await reader(ids.length, 'f'.repeat(32));
    expect(await messages()).toEqual([['reader', 'ledger']]);
    await ledger.query(
      `update subscriptions set position = 'start', applied_count = 0, applied_hash = repeat('0', 128)::bit(128)`,
    );
    expect(await messages()).toEqual([]);
    await ledger.query(`delete from subscriptions`);
  });

  test('an intent that received more than was booked is reported with its amounts', async () => {
    const more = { ...sampleDeposit, deposit: { asset: 'USDT_ERC20', amount: '5' } };
    const [event] = seal([{ type: 'DepositConfirmed', data: more }]);
    await storeEvents(intents, 'intent-intent-1', [
      { ...event!, revision: 1n, id: '00000000-0000-8000-8000-00000000ffff' },
    ]);
    await expect(expectBooksBalance({ ledger, intents }, { timeoutMs: 50 })).rejects.toThrow(
      'intent: book-sandbox: intent intent-1 received 75 USDT_ERC20, of which 70 are in the ledger',
    );
  });
});

async function copySchema(client: { query(text: string): Promise<unknown> }, from: string, to: string): Promise<void> {
  const readModelTables = ['accounts_v1', 'transfers_v1', 'transactions_v1', 'entries_v1', 'holds_v1'];
  for (const table of ['events', 'subscriptions', ...readModelTables]) {
    await client.query(`create table ${to}.${table} as table ${from}.${table}`);
  }
}
