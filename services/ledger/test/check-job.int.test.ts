import { createMetrics } from '@daybook/runtime';
import { eventually, testLogger } from '@daybook/testing';
import { randomUUID } from 'node:crypto';
import { lastCleanCheck } from '../src/adapters/check-source';
import { jobTable } from '../src/adapters/job-table';
import { referenceOf } from '../src/adapters/stored-events';
import { checkJob } from '../src/app/check/check-job';
import { checkMetrics } from '../src/app/check/check-metrics';
import type { CheckReport, Watermarks } from '../src/app/check/findings';
import { createJobs, type Jobs } from '../src/app/jobs';
import { dated, entriesOf, posted } from './check-history';
import { checkRig, differencesOf, dirty, violationsOf, type CheckRig } from './check-rig';

let rig: CheckRig;
let jobs: Jobs;
const metrics = createMetrics('ledger');
const { logger, lines } = testLogger();

beforeAll(async () => {
  rig = await checkRig();
  const now = () => new Date('2026-02-03T00:00:00.000Z');
  const check = checkJob({
    source: rig.source,
    lastClean: () => lastCleanCheck(rig.pool),
    clearingDeadlineS: 86_400,
    metrics: checkMetrics(metrics),
    now,
    logger,
  });
  const onFatal = (error: unknown) => expect(error).toBeUndefined();
  jobs = createJobs({ table: jobTable(rig.pool), kinds: [check], now: () => new Date(), logger, onFatal });
  await jobs.start();
});
afterAll(async () => {
  await jobs?.stop();
  await rig?.close();
});

async function run(incremental = false, mode: 'sandbox' | 'live' = 'sandbox') {
  const jobId = randomUUID();
  await jobs.request({ jobId, kind: 'check', mode, parameters: { incremental }, requestedBy: 'operator' });
  return eventually(
    async () => {
      const job = await jobs.find(jobId);
      if (job?.finishedAt == null) throw new Error(`the check is ${job?.status}`);
      expect(job).toMatchObject({ status: 'succeeded', error: null });
      return job.report as unknown as CheckReport;
    },
    { timeoutMs: 10_000 },
  );
}

async function metric(name: string): Promise<string[]> {
  return (await metrics.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`));
}

test('a clean check is kept as a report, shows in the metrics, and is where an incremental one begins', async () => {
  const full = await run(true);
  expect(full).toMatchObject({ status: 'CLEAN', scope: 'full' });
  expect(await metric('daybook_check_clean')).toEqual(['daybook_check_clean{scope="full",service="ledger"} 1']);
  expect(await metric('daybook_check_last_clean_timestamp_seconds')).toEqual([
    `daybook_check_last_clean_timestamp_seconds{scope="full",service="ledger"} ${Date.parse('2026-02-03') / 1_000}`,
  ]);
  const incremental = await run(true);
  expect(incremental).toMatchObject({ status: 'CLEAN', scope: 'incremental', watermarks: full.watermarks });
});

test('the first check is a full one, however it is asked for, and is listed so', async () => {
  const table = jobTable(rig.pool);
  const first = (await table.list({ mode: 'sandbox', kind: 'check', before: null, limit: 100, scope: 'full' })).at(-1);
  expect(first?.parameters).toEqual({ incremental: true });
});

test('differences are logged as errors and counted, and those of the other mode are not listed', async () => {
  const copy = await rig.copy('accounts_v1');
  await rig.pool.query(`update ${copy.name} set frozen = true where account_id = 'wallet-bob'`);
  const [sandbox, live] = [await run(), await run(false, 'live')];
  await copy.drop();
  for (const [mode, report] of Object.entries({ sandbox, live })) {
    expect(report.status).toBe('DIFFERENCES');
    expect(report.passes.find(({ table }) => table === 'accounts_v1')).toMatchObject({ differences: 2 });
    expect(differencesOf(report, 'accounts_v1')).toMatchObject([{ mode, key: { account_id: 'wallet-bob' } }]);
  }
  expect(await metric('daybook_check_differences')).toContain(
    'daybook_check_differences{table="accounts_v1",service="ledger"} 2',
  );
  const errors = lines.filter(({ level }) => level === 'error');
  expect(errors).toHaveLength(4);
  expect(errors[0]).toMatchObject({ table: 'accounts_v1', differences: 2 });
  // What has not been clean is nothing to go on from.
  expect(await lastCleanCheck(rig.pool)).toBeDefined();
});

test('what is wrong stays in the metrics and among the full checks when an incremental one does not see it', async () => {
  const copy = await rig.copy('entries_v1');
  await rig.pool.query(`update ${copy.name} set amount = amount + 1 where entry_index = 0`);
  expect((await run()).status).toBe('DIFFERENCES');
  const known = [await metric('daybook_check_differences'), await metric('daybook_check_violations')];
  expect((await run(true)).status).toBe('CLEAN');
  await copy.drop();
  expect([await metric('daybook_check_differences'), await metric('daybook_check_violations')]).toEqual(known);
  expect(known[0]).toContainEqual(expect.stringMatching(/table="entries_v1",service="ledger"} [1-9]/));
  const of = async (scope?: 'full' | 'incremental') =>
    (await jobs.list({ mode: 'sandbox', kind: 'check', before: null, limit: 1, scope }))[0]?.parameters;
  expect([await of(), await of('incremental'), await of('full')]).toEqual([
    { incremental: true },
    { incremental: true },
    { incremental: false },
  ]);
  expect((await run()).status).toBe('CLEAN');
  expect(await metric('daybook_check_differences')).toContainEqual(
    expect.stringMatching(/table="entries_v1",service="ledger"} 0$/),
  );
});

describe('an incremental check', () => {
  /** As if a check had been clean after so many events. */
  async function since(events: number): Promise<Watermarks> {
    const of = async (mode: string) => {
      const last = (await rig.store.readStream(`book-${mode}`))[events - 1]!;
      return { tables: events, journal: events, head: referenceOf(last.payload).slice(2) };
    };
    return { sandbox: await of('sandbox'), live: await of('live') };
  }

  test('finds what differs behind its begin, and does not look before it', async () => {
    const middle = await since(20);
    const copy = await rig.copy('entries_v1');
    await rig.pool.query(`update ${copy.name} set amount = amount + 1 where mode = 'live' and entry_index = 0`);
    const report = await rig.check({ since: middle });
    await copy.drop();
    expect(dirty(report)).toEqual({ tables: ['entries_v1'], invariants: ['I4'] });
    const found = differencesOf(report, 'entries_v1');
    expect(found.length).toBeGreaterThan(1);
    for (const { key } of found) expect(Number(key['sequence'])).toBeGreaterThanOrEqual(20);
    expect(await rig.check({ since: middle })).toMatchObject({ status: 'CLEAN', scope: 'incremental' });
  });

  test('goes on with the chain of the events before, and sees what does not balance', async () => {
    const middle = await since(20);
    const forked = await rig.check({ since: { ...middle, live: { ...middle.live, head: 'f'.repeat(64) } } });
    expect(violationsOf(forked, 'I3')).toMatchObject([{ mode: 'live', sequence: 20 }]);
    const uneven = [...entriesOf('wallet-alice', 'wallet-bob', 5n)];
    uneven[1] = { ...uneven[1]!, amount: 6n };
    const report = await rig.forged(dated([posted('uneven', uneven)], rig.events), () => rig.check({ since: middle }));
    expect(violationsOf(report, 'I1')).toMatchObject([{ sequence: rig.events }]);
  });

  test('is not complete when the tables have fewer events than they had', async () => {
    const middle = await since(20);
    const ahead = { ...middle, live: { ...middle.live, tables: rig.events + 1 } };
    const report = await rig.check({ since: ahead });
    expect(report).toMatchObject({ status: 'INCOMPLETE', incomplete: [expect.stringContaining('book live had')] });
  });
});
