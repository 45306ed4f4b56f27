import { randomUUID } from 'node:crypto';
import { setInterval } from 'node:timers/promises';
import {
  replayReport,
  type getJob,
  type issueFunds,
  type listAccounts,
  type listTransfers,
  type startJob,
} from '@daybook/contracts';
import { auditSubscriptions, createGenerations, postgresEventStore, tablesOf } from '@daybook/event-store';
import { eventually, testLogger } from '@daybook/testing';
import { bookMemory } from '../src/adapters/book-memory';
import { verifySnapshot } from '../src/adapters/book-refold';
import { bookEventCodec } from '../src/adapters/stored-events';
import { readJournalReaders } from '../src/adapters/proven-books';
import { replayDifferences } from '../src/adapters/replay-differences';
import { replay } from '../src/app/replay';
import { auditViews } from '../src/projections/audit-views';
import { ledgerReadModels } from '../src/projections/read-models';
import { alice, balance, bob, ledgerRig, must, settled, stop, wallets, type LedgerRig } from './ledger-rig';

const tables = tablesOf(ledgerReadModels.projections);
const writesPerSecond = 200;

/** Every row of every table as Postgres writes it, in the order of the keys. */
async function dump(rig: LedgerRig, schema = 'ledger'): Promise<Record<string, unknown>> {
  const dumped: Record<string, unknown> = {};
  for (const { name, key } of tables) {
    const line = `string_agg(t::text, E'\\n' order by ${key.join(', ')})`;
    dumped[name] = (await rig.pool.query(`select ${line} as rows from ${schema}.${name} t`)).rows[0];
  }
  return dumped;
}

const generations = async (rig: LedgerRig) =>
  (
    await rig.pool.query<{ g: string }>(
      `select number || ' ' || state as g from projection_generations order by number`,
    )
  ).rows.map(({ g }) => g);

async function lengthOf(rig: LedgerRig): Promise<number> {
  const { rows } = await rig.pool.query<{ length: string }>(
    `select max(last_revision) + 1 as length from appends where stream = 'book-sandbox'`,
  );
  return Number(rows[0]?.length);
}

type Told = ReturnType<typeof replayReport.parse>;

async function runReplay(rig: LedgerRig, parameters: Parameters<LedgerRig['calls']['startReplay']>[1]): Promise<Told> {
  const jobId = randomUUID();
  await must<typeof startJob>(rig.calls.startReplay(jobId, parameters));
  return eventually(
    async () => {
      const { job } = await must<typeof getJob>(rig.calls.getJob(jobId));
      if (job.finishedAt === null) throw new Error(`the replay is ${job.status}`);
      expect(job).toMatchObject({ status: 'succeeded', error: null });
      return replayReport.parse(job.report);
    },
    { timeoutMs: 120_000 },
  );
}

/** Transfers that are confirmed, one that fails and one that is reversed, in books of two tenants. */
async function history(rig: LedgerRig): Promise<void> {
  await wallets(rig, 6_000n);
  const ids = Array.from({ length: 20 }, () => randomUUID());
  await Promise.all(ids.map((transferId) => rig.calls.accept({ transferId, amount: 100n })));
  await settled(rig);
  await rig.calls.reverse(ids[0]!);
  await rig.calls.accept({ tenantId: bob, debitAccountId: 'wallet-bob', creditAccountId: 'wallet-alice', amount: 7n });
  await settled(rig);
  await rig.calls.listTransactions();
}

test('with all tables gone, and replayed once more, the tables are the same byte for byte, and nothing is told again', async () => {
  const rig = await ledgerRig({ settings: { SNAPSHOT_EVENTS: '1000' } });
  await history(rig);
  // All of them: what is published later would look as if it had been told again.
  await eventually(() => expect(rig.published.length).toBe(66), { timeoutMs: 10_000 });
  const [before, published] = [await dump(rig), [...rig.published]];
  await rig.restart(async () => {
    await rig.pool.query(`drop schema ledger_g1 cascade`);
    await rig.pool.query(`delete from subscriptions where name = 'ledger_g1'`);
    await rig.pool.query(`update projection_generations set state = 'dropped'`);
  });
  // The engine goes on from a snapshot, which is the state that its journal folds to.
  const filterBytes = 1_024;
  const memory = bookMemory('book-sandbox', {
    pool: rig.pool,
    filterBytes,
    recordsMax: 10,
    snapshotEvery: 1_000,
    logger: testLogger().logger,
  });
  expect((await memory.snapshots.latest())?.sequence).toBe(await lengthOf(rig));
  expect(await verifySnapshot(rig.store, 'book-sandbox', memory)).toMatchObject({ ok: true });
  await rig.calls.listTransactions();
  expect(await generations(rig)).toEqual(['1 dropped', '2 live']);
  expect(await dump(rig)).toEqual(before);

  for (const number of [3, 4]) {
    const report = await runReplay(rig, { dryRun: false });
    expect(report).toMatchObject({ equal: true, switched: true, generation: number, accountsDiffering: 0 });
    expect(await dump(rig, `ledger_g${number}`)).toEqual(before);
    expect(await dump(rig)).toEqual(before);
  }
  expect((await auditSubscriptions(rig.pool, rig.store)).filter(({ agrees }) => !agrees)).toEqual([]);
  // What the engine holds, loaded anew, is what the tables show.
  const { accounts } = await must<typeof listAccounts>(rig.calls.listAccounts({ tenantId: alice }));
  for (const { accountId, posted, held } of accounts)
    expect(await balance(rig, accountId)).toMatchObject({ posted, held });
  // The newest message comes behind all that the replays could have sent.
  await rig.calls.accept({ amount: 1n });
  await settled(rig);
  await eventually(() => expect(rig.published.length).toBe(published.length + 3), { timeoutMs: 10_000 });
  expect(rig.published.slice(0, published.length)).toEqual(published);
  await rig.close();
});

test('a dry run changes nothing, and tells what a replay would change', async () => {
  const rig = await ledgerRig();
  await history(rig);
  const clean = await runReplay(rig, {});
  expect(clean).toMatchObject({ dryRun: true, switched: false, equal: true, accounts: [], range: null });
  expect(clean.eventTypes).toMatchObject({ AccountOpened: 3, TransferAccepted: 21, TransferConfirmed: 21 });
  expect(clean.tables.find(({ table }) => table === 'entries_v1')).toMatchObject({ live: 46, rebuilt: 46, changed: 0 });

  await rig.pool.query(`update accounts_v1 set posted = posted + 5 where account_id = 'wallet-bob'`);
  await rig.pool.query(`delete from entries_v1 where sequence = (select max(sequence) from entries_v1)`);
  const spoilt = await dump(rig);
  const report = await runReplay(rig, { dryRun: true });
  expect(report).toMatchObject({ equal: false, switched: false, accountsDiffering: 1 });
  expect(report.accounts).toMatchObject([
    {
      accountId: 'wallet-bob',
      asset: 'TXC',
      live: { posted: 1_898n, entries: 22 },
      rebuilt: { posted: 1_893n, entries: 22 },
      delta: { posted: -5n, held: 0n, entries: 0 },
    },
  ]);
  expect(report.tables.find(({ table }) => table === 'entries_v1')).toMatchObject({ live: 44, onlyRebuilt: 2 });
  expect(await dump(rig)).toEqual(spoilt);

  const scoped = await runReplay(rig, { accountId: 'wallet-alice', from: 0, to: 3 });
  expect(scoped).toMatchObject({ accountsDiffering: 0, eventTypes: { AccountOpened: 3, TransactionPosted: 1 } });
  expect(scoped.range).toEqual([
    { accountId: 'wallet-alice', asset: 'TXC', live: -6_000n, rebuilt: -6_000n, delta: 0n },
  ]);
  expect(await generations(rig)).toEqual(['1 live', '2 dropped', '3 dropped', '4 dropped']);

  // It is what repairs them.
  expect(await runReplay(rig, { dryRun: false })).toMatchObject({ equal: false, switched: false });
  const repaired = await runReplay(rig, { dryRun: false, acceptDifferences: true });
  expect(repaired).toMatchObject({ equal: false, switched: true });
  await rig.close();
});

test.each([
  ['one table is', 'drop table ledger_g1.late_entries_v1 cascade', ['late_entries_v1']],
  ['some tables are', 'drop table ledger_g1.accounts_v1, ledger_g1.entries_v1 cascade', ['accounts_v1', 'entries_v1']],
  ['all tables are', 'drop schema ledger_g1 cascade', tables.map(({ name }) => name)],
])(
  'while %s gone, the ledger starts and takes transfers, and a replay makes all that was lost',
  async (_, loss, lost) => {
    const rig = await ledgerRig();
    await history(rig);
    await eventually(() => expect(rig.published.length).toBe(66), { timeoutMs: 10_000 });
    const [before, published] = [await dump(rig), [...rig.published]];
    await rig.pool.query(loss);
    await rig.restart();
    expect(await runReplay(rig, {})).toMatchObject({ switched: false, equal: false });
    const scoped = await runReplay(rig, { dryRun: false, accountId: 'wallet-alice', from: 0, to: 3 });
    expect(scoped).toMatchObject({ switched: false, equal: false });
    expect([...scoped.missing].toSorted()).toEqual(
      lost.map((table) => `table ${table} of generation 1 does not exist`).toSorted(),
    );
    const repaired = await runReplay(rig, { dryRun: false, acceptDifferences: true });
    expect(repaired).toMatchObject({ switched: true, equal: false, generation: 4 });
    expect(repaired.tables.filter(({ live }) => live === 0).map(({ table }) => table)).toEqual(
      expect.arrayContaining(lost),
    );
    expect(await dump(rig)).toEqual(before);
    expect(rig.published).toEqual(published);
    for (const { name } of auditViews) await rig.pool.query(`select * from ledger.${name} limit 1`);

    // What comes meanwhile waits in the journal.
    await rig.pool.query(loss.replaceAll('_g1', '_g4'));
    await must<typeof issueFunds>(rig.calls.issueFunds({ accountId: 'wallet-alice', amount: 5n }));
    await rig.restart();
    expect(await runReplay(rig, { dryRun: false, acceptDifferences: true })).toMatchObject({ switched: true });
    await rig.calls.listTransactions();
    expect(await runReplay(rig, { dryRun: false })).toMatchObject({ equal: true, switched: true, missing: [] });
    expect((await auditSubscriptions(rig.pool, rig.store)).filter(({ agrees }) => !agrees)).toEqual([]);
    await rig.close();
  },
);

test('under 200 writes a second, killed midway and taken up again: reads are never empty or mixed', async () => {
  const rig = await ledgerRig();
  await history(rig);
  await must<typeof issueFunds>(rig.calls.issueFunds({ accountId: 'wallet-alice', amount: 1_000_000n }));
  let done = false;
  let [reads, entries] = [0, 0];
  const accepted: Promise<{ readonly ok: boolean }>[] = [];
  const writing = (async () => {
    const begun = performance.now();
    // By the clock, whatever becomes of those before.
    for await (const _ of setInterval(5)) {
      const due = ((performance.now() - begun) * writesPerSecond) / 1_000;
      while (accepted.length < due) accepted.push(rig.calls.accept({ amount: 1n }));
      if (done) break;
    }
    expect((await Promise.all(accepted)).every(({ ok }) => ok)).toBe(true);
  })();
  const reading = (async () => {
    for await (const _ of setInterval(10)) {
      if (done) break;
      const { rows } = await rig.pool.query<{ entries: string; versions: string; sum: string }>(
        `select (select count(*) from audit_entries) as entries, (select sum(version) from audit_accounts) as versions,
                (select sum(case direction when 'debit' then amount else -amount end) from entries_v1) as sum`,
      );
      const row = rows[0]!;
      expect(row).toEqual({ entries: row.versions, versions: row.versions, sum: '0' });
      expect(Number(row.entries)).toBeGreaterThanOrEqual(entries);
      entries = Number(row.entries);
      reads++;
    }
  })();
  // As another process would: it dies in the middle, and the service's own replay goes on.
  const pool = rig.pool;
  const store = postgresEventStore(pool);
  const onFatal = (error: unknown) => expect(error).toBeUndefined();
  const { logger } = testLogger();
  const other = createGenerations({
    ...ledgerReadModels,
    pool,
    store,
    codec: bookEventCodec,
    logger,
    onFatal,
    buildBatchSize: 20,
  });
  const died = new Error('died');
  let batches = 0;
  const dying = {
    rebuild: (options: Parameters<typeof other.rebuild>[0]) =>
      other.rebuild({
        ...options,
        observe: () => {
          if (++batches === 3) throw died;
        },
      }),
  } as Pick<typeof other, 'rebuild'>;
  const scope = { mode: 'sandbox', tenantId: null, accountId: null, from: null, to: null } as const;
  const differences = replayDifferences(tables);
  const options = { scope, dryRun: false, acceptDifferences: false, signal: new AbortController().signal };
  try {
    await expect(replay({ generations: dying, differences }, options)).rejects.toBe(died);
    expect(await generations(rig)).toEqual(['1 live', '2 building']);
    expect(await runReplay(rig, { dryRun: false })).toMatchObject({ equal: true, switched: true, generation: 2 });
    expect(await runReplay(rig, { dryRun: false })).toMatchObject({ equal: true, switched: true, generation: 3 });
  } finally {
    done = true;
    await Promise.all([writing, reading]);
  }
  await store.close();
  expect(accepted.length).toBeGreaterThan(20);
  expect(reads).toBeGreaterThan(20);
  await settled(rig);
  const { transfers } = await must<typeof listTransfers>(rig.calls.listTransfers({ limit: 1 }));
  expect(transfers).toHaveLength(1);
  const second = await rig.open();
  await second.listTransactions();
  await stop(second);
  expect((await auditSubscriptions(rig.pool, rig.store)).filter(({ agrees }) => !agrees)).toEqual([]);
  await rig.close();
}, 300_000);

test('a generation that was replaced is no reader that lags; one that is being built is a reader', async () => {
  const rig = await ledgerRig();
  const readers = async () => (await readJournalReaders(rig.pool)).map(({ name }) => name);
  await wallets(rig, 1n);
  const before = await readers();
  expect(before).toContain('ledger_g1');
  expect(await runReplay(rig, { dryRun: false })).toMatchObject({ switched: true, generation: 2 });
  const after = before.map((name) => (name === 'ledger_g1' ? 'ledger_g2' : name));
  expect(await readers()).toEqual(after);
  const { rowCount } = await rig.pool.query(`select from subscriptions where name = 'ledger_g1'`);
  expect(rowCount).toBe(1);
  await rig.pool.query(`update projection_generations set state = 'building' where number = 1`);
  expect(await readers()).toEqual([...after, 'ledger_g1'].toSorted());
  await rig.close();
});
