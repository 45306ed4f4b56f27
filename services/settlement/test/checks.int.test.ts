/**
 * The tables of what is not done, in Postgres: sends by their chain, and what the ledger has not posted of a transfer. And how
 * far signatures are compared.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventStoreMigrations, migrate } from '@daybook/event-store';
import { testDatabase, testMetrics, type TestDatabase } from '@daybook/testing';
import type { Pool } from 'pg';
import { comparedPlace } from '../src/adapters/compared-place';
import { openTransfersGauges } from '../src/adapters/open-transfers-gauges';
import type { TransferEvent } from '../src/domain/bank-transfer';
import { bankTransfersProjection, unbookedTransfers } from '../src/projections/bank-transfers';
import { sendChecksElsewhere, sendChecksOn } from '../src/projections/sends';
import { wakePayouts } from '../src/projections/transaction-rows';

const at = (second: number) => new Date(Date.parse('2026-03-01T10:00:00.000Z') + second * 1_000);
const migrations = join(__dirname, '../migrations');
let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await testDatabase();
  pool = database.pool('settlement');
  const own = { name: 'settlement', directory: migrations };
  await migrate(pool, 'settlement', [eventStoreMigrations, own]);
});
afterAll(() => database.drop());

test('each chain has its own sends to look at, and what is on no chain is looked at by itself', async () => {
  for (const [index, chain] of ['evm-1', 'bitcoin-regtest', 'gone-1'].entries()) {
    const walletId = `0f9e6c1a-6a5c-4d8e-9b39-00000000000${index}`;
    await pool.query(
      `insert into wallets_v1 values ($1, $1, 'sandbox', $2, 'evm', $3, 'a', 'k', 'ETH', array['ETH'])`,
      [walletId, chain, index],
    );
    for (const place of [1, 2])
      await pool.query('insert into send_checks (transaction_id, wallet_id, check_at) values ($1, $2, $3)', [
        `${chain}-${place}`,
        walletId,
        at(10 * index + place),
      ]);
  }
  const known = ['evm-1', 'bitcoin-regtest'];
  const all = [...known.map((chain) => sendChecksOn(pool, chain)), sendChecksElsewhere(pool, known)];
  const idsOf = async (now: Date, limit: number) =>
    Promise.all(all.map(async (one) => (await one.due(now, limit)).map(({ transactionId }) => transactionId)));
  expect(await idsOf(at(60), 20)).toEqual([
    ['evm-1-1', 'evm-1-2'],
    ['bitcoin-regtest-1', 'bitcoin-regtest-2'],
    ['gone-1-1', 'gone-1-2'],
  ]);
  expect(await idsOf(at(11), 1)).toEqual([['evm-1-1'], ['bitcoin-regtest-1'], []]);
  expect(await Promise.all(all.map((one) => one.next()))).toEqual([at(1), at(11), at(21)]);
  await all[0]!.again('evm-1-1', at(100));
  expect(await all[0]!.due(at(100), 20)).toEqual([
    { transactionId: 'evm-1-2', attempts: 0 },
    { transactionId: 'evm-1-1', attempts: 1 },
  ]);
});

test('the place up to which signatures are compared is moved from where one was, by one of two at once', async () => {
  const place = comparedPlace(pool);
  expect(await place.read()).toBe(0);
  await Promise.all([place.move(0, 100), place.move(0, 100)]);
  await place.move(100, 150);
  await place.move(0, 100);
  expect(await place.read()).toBe(150);
  await expect(pool.query('insert into compared_signatures (place) values (7)')).rejects.toThrow('duplicate key');
});

test('what was paid out and not posted before there was a table of it is in it, and nothing else', async () => {
  const row = async (id: number, status: string) =>
    pool.query(
      `insert into transactions_v1 (transaction_id, number, tenant_id, mode, type, asset, amount, status, created_at,
         updated_at, revision)
       values ($1, $2, '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11', 'sandbox', 'transfer', 'USD', 5, $3, $4, $4, 0)`,
      [`TX-old-${id}`, 100 + id, status, at(id)],
    );
  for (const [index, status] of ['pending', 'processing', 'processing', 'completed', 'failed'].entries())
    await row(index, status);
  await pool.query('insert into transfer_checks (transaction_id, check_at) values ($1, $2)', ['TX-old-1', at(0)]);
  const created = readFileSync(join(migrations, '0005_create_unbooked_transfers.sql'), 'utf8');
  await pool.query(created.slice(created.indexOf('insert into')));
  expect((await pool.query('select * from unbooked_transfers')).rows).toEqual([
    { transaction_id: 'TX-old-2', what: 'payout', since: at(2) },
  ]);
  await pool.query('delete from unbooked_transfers');
});

test('a payout and a return are unbooked until the ledger has posted each, in whatever order they are told', async () => {
  let revision = 0n;
  const tell = async (type: TransferEvent['type'], second: number) => {
    const summary = {
      transactionId: 'TX1',
      number: 2,
      tenantId: '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11',
      mode: 'sandbox',
      asset: 'USD',
      amount: 5n,
      status: 'processing',
      userNumber: null,
      encryptedDetails: '',
      institutionNumber: 1,
      createdAt: at(0),
      updatedAt: at(second),
    };
    const handler = bankTransfersProjection.handlers[type]! as (...args: unknown[]) => { text: string; values: [] }[];
    const event = { type, summary, at: at(second).toISOString() };
    for (const { text, values } of handler(event, { revision: revision++ })) await pool.query(text, values);
    return unbookedTransfers(pool);
  };
  expect(await tell('BankTransferCreated', 0)).toEqual({ count: 0, oldest: null });
  expect(await tell('BankTransferSettled', 5)).toEqual({ count: 1, oldest: at(5) });
  const metrics = testMetrics();
  const none = async () => ({ count: 0, oldest: null });
  openTransfersGauges({
    metrics,
    now: () => at(65),
    openTransfers: none,
    unbookedTransfers: () => unbookedTransfers(pool),
  });
  const shown = [...(await metrics.metrics()).matchAll(/^(institution_\w+)(?:\{.*\})? (\S+)$/gm)];
  expect(Object.fromEntries(shown.map(([, name, value]) => [name, value]))).toEqual({
    institution_transfers_open: '0',
    institution_transfers_oldest_open_age_seconds: '0',
    institution_transfers_unbooked: '1',
    institution_transfers_oldest_unbooked_age_seconds: '60',
  });
  expect(await tell('BankTransferReturned', 7)).toEqual({ count: 2, oldest: at(5) });
  expect(await tell('BankTransferBooked', 8)).toEqual({ count: 1, oldest: at(7) });
  expect(await tell('BankTransferReturnBooked', 9)).toEqual({ count: 0, oldest: null });
});

test('what has waited is due at once, as if for the first time, and what is due stays so, also when two wake it', async () => {
  for (const table of ['send_checks', 'transfer_checks']) await pool.query(`delete from ${table}`);
  const insert = 'insert into transfer_checks (transaction_id, attempts, check_at) values ($1, $2, $3)';
  for (const [id, attempts, second] of [
    ['late', 9, 3_600],
    ['due', 1, 5],
  ] as const)
    await pool.query(insert, [id, attempts, at(second)]);
  await Promise.all([wakePayouts(pool, at(10)), wakePayouts(pool, at(10))]);
  const { rows } = await pool.query(
    'select transaction_id as id, attempts, check_at as at from transfer_checks order by check_at',
  );
  expect(rows).toEqual([
    { id: 'due', attempts: 0, at: at(5) },
    { id: 'late', attempts: 0, at: at(10) },
  ]);
});
