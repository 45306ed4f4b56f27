/** The table of payments whose provider is to be asked, in Postgres: by provider and mode, and as a build before left it. */
import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventStoreMigrations, migrate } from '@daybook/event-store';
import { testDatabase, type TestDatabase } from '@daybook/testing';
import type { Pool } from 'pg';
import { lookAtReturnsBy, paymentChecks, paymentsProjection, returnChecks } from '../src/projections/payments';

const at = (second: number) => new Date(Date.parse('2026-03-01T10:00:00.000Z') + second * 1_000);
const migrations = join(__dirname, '../migrations');
let database: TestDatabase;
let pool: Pool;
let number = 0;

beforeEach(async () => {
  database = await testDatabase();
  pool = database.pool('intents');
});
afterEach(() => database.drop());

const migrated = (directory: string) =>
  migrate(pool, 'intents', [eventStoreMigrations, { name: 'intents', directory }]);

const idsOf = async (provider: 'stripe' | 'paypal', mode: 'sandbox' | 'live', second: number, limit = 20) =>
  (await paymentChecks(pool, provider, mode).due(at(second), limit)).map(({ transactionId }) => transactionId);

/** What the read model does when a payment is created: the payment, then its check, which is due 15 seconds later. */
function statementsOf(
  transactionId: string,
  provider: string,
  mode: string,
  second: number,
  type: 'PaymentCreated' | 'PaymentTaken' = 'PaymentCreated',
  revision = type === 'PaymentCreated' ? 0n : 1n,
) {
  const summary = {
    transactionId,
    number: ++number,
    tenantId: randomUUID(),
    mode,
    gatewayId: randomUUID(),
    gatewayNumber: 1,
    provider,
    userNumber: null,
    asset: 'USD',
    amount: 5n,
    amountReceived: type === 'PaymentTaken' ? 5n : null,
    encryptedDetails: '',
    status: 'pending',
    failure: null,
    exceptions: [],
    reference: null,
    createdAt: at(second),
    updatedAt: at(second),
  };
  const handler = paymentsProjection.handlers[type] as unknown as (
    ...event: unknown[]
  ) => { text: string; values: unknown[] }[];
  return handler({ type, summary, at: at(second).toISOString() }, { revision });
}

async function run(statements: readonly { readonly text: string; readonly values: unknown[] }[]) {
  for (const { text, values } of statements) await pool.query(text, values);
}

/** As builds before did, which knew fewer columns. */
async function paidBefore(
  transactionId: string,
  provider: string,
  mode: string,
  second: number,
  received: bigint | null,
) {
  const text = `insert into payments_v1 (transaction_id, number, tenant_id, mode, gateway_id, gateway_number, provider, asset,
      amount, amount_received, encrypted_details, status, exceptions, created_at, updated_at, revision)
    values ($1, $2, $3, $4, $3, 1, $5, 'USD', 5, $6, '', 'pending', '{}', $7, $7, 0)`;
  await run([{ text, values: [transactionId, ++number, randomUUID(), mode, provider, received, at(second)] }]);
}

/** As a build before did: the check does not name the payment's provider. */
async function createdBefore(transactionId: string, provider: string, mode: string, second: number) {
  await paidBefore(transactionId, provider, mode, second, null);
  const check = { text: 'insert into payment_checks (transaction_id, check_at) values ($1, $2)' };
  await run([{ ...check, values: [transactionId, at(second + 15)] }]);
}

test('each provider has its own payments to be asked about in each mode, and those that were asked about least come first', async () => {
  await migrated(migrations);
  for (const [second, id] of ['S1', 'S2', 'S3'].entries()) await run(statementsOf(id, 'stripe', 'live', second));
  await run(statementsOf('S4', 'stripe', 'sandbox', 0));
  await run(statementsOf('P1', 'paypal', 'live', 40));
  const stripe = paymentChecks(pool, 'stripe', 'live');
  expect(await idsOf('stripe', 'live', 60)).toEqual(['S1', 'S2', 'S3']);
  expect(await idsOf('stripe', 'live', 16)).toEqual(['S1', 'S2']);
  expect(await idsOf('stripe', 'sandbox', 60)).toEqual(['S4']);
  expect(await idsOf('paypal', 'live', 60)).toEqual(['P1']);
  expect(await idsOf('paypal', 'sandbox', 60)).toEqual([]);
  expect([await stripe.next(), await paymentChecks(pool, 'paypal', 'live').next()]).toEqual([at(15), at(55)]);
  // Nobody pays it, and it is due before the others.
  await stripe.again('S3', at(5));
  expect(await stripe.due(at(60), 2)).toEqual(['S1', 'S2'].map((transactionId) => ({ transactionId, attempts: 0 })));
  expect(await idsOf('stripe', 'live', 60)).toEqual(['S1', 'S2', 'S3']);
  expect(await stripe.next()).toEqual(at(5));
});

test('what the build before has written is asked about, also what it writes while it is replaced', async () => {
  const before = await mkdtemp(join(tmpdir(), 'daybook-migrations-'));
  try {
    await cp(migrations, before, { recursive: true, filter: (path) => !/\b000[678]_/.test(path) });
    await migrated(before);
    await createdBefore('S1', 'stripe', 'live', 0);
    await createdBefore('P1', 'paypal', 'sandbox', 0);
    await migrated(migrations);
    await createdBefore('S2', 'stripe', 'live', 1);
    await createdBefore('P2', 'paypal', 'sandbox', 1);
  } finally {
    await rm(before, { recursive: true });
  }
  expect(await idsOf('stripe', 'live', 60)).toEqual(['S1', 'S2']);
  expect(await idsOf('paypal', 'sandbox', 60)).toEqual(['P1', 'P2']);
});

describe('payments whose money was taken', () => {
  const day = 86_400;

  test('are asked about what went back from a day later on, by one of those that look at once', async () => {
    await migrated(migrations);
    const checks = returnChecks(pool);
    await run(statementsOf('S1', 'stripe', 'live', 0));
    expect(await checks.next()).toBeNull();
    await run(statementsOf('S1', 'stripe', 'live', 20, 'PaymentTaken'));
    expect([await idsOf('stripe', 'live', 2 * day), await checks.next()]).toEqual([[], at(20 + day)]);
    expect(await checks.due(at(19 + day), 10)).toEqual([]);
    const [due] = await checks.due(at(20 + day), 10);
    expect(due).toEqual({ transactionId: 'S1', since: at(20), checkAt: at(20 + day) });
    const claims = await Promise.all(Array.from({ length: 10 }, () => checks.claim(due!, at(21 + 2 * day))));
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await checks.next()).toEqual(at(21 + 2 * day));
    // A notice makes it due earlier, and never later.
    await lookAtReturnsBy(pool, 'S1', at(30 + day));
    await lookAtReturnsBy(pool, 'S1', at(5 * day));
    expect(await checks.next()).toEqual(at(30 + day));
    // What changes of the payment later does not begin it anew.
    await checks.done('S1', null);
    await run(statementsOf('S1', 'stripe', 'live', 40, 'PaymentTaken', 2n));
    expect(await checks.next()).toBeNull();
  });

  test('before they were followed, or by a process that does not follow them, are asked about as well', async () => {
    const before = await mkdtemp(join(tmpdir(), 'daybook-migrations-'));
    const sinceNow = (Date.now() - at(0).getTime()) / 1_000;
    try {
      await cp(migrations, before, { recursive: true, filter: (path) => !/\b000[78]_/.test(path) });
      await migrated(before);
      await paidBefore('T1', 'coinbase', 'live', sinceNow - 254 * day, 5n);
      await paidBefore('T2', 'coinbase', 'live', sinceNow - 256 * day, 5n);
      await paidBefore('T3', 'coinbase', 'live', sinceNow - 254 * day, null);
      await migrated(migrations);
    } finally {
      await rm(before, { recursive: true });
    }
    const checks = returnChecks(pool);
    const dueIn = async (days: number) =>
      (await checks.due(new Date(Date.now() + days * day * 1_000), 20)).map(({ transactionId }) => transactionId);
    expect(await dueIn(7)).toEqual(['T1']);
    const [spread] = await checks.due(new Date(Date.now() + 7 * day * 1_000), 20);
    expect(await checks.claim(spread!, at(0))).toBe(true);
    await paidBefore('T4', 'stripe', 'live', sinceNow, 5n);
    expect(await dueIn(1.01)).toEqual(['T1', 'T4']);
    await pool.query(`update payments_v1 set amount_received = 5, updated_at = now() where transaction_id = 'T3'`);
    expect(await dueIn(1.01)).toEqual(['T1', 'T4', 'T3']);
  });
});
