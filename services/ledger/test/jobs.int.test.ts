import { randomUUID } from 'node:crypto';
import { OperationalError } from '@daybook/core';
import { migrate } from '@daybook/event-store';
import { eventually, testDatabase, testLogger, type TestDatabase } from '@daybook/testing';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { z } from 'zod';
import { jobTable } from '../src/adapters/job-table';
import { JobCancelled, jobKind, type JobKind } from '../src/app/job';
import { createJobs, type Jobs } from '../src/app/jobs';

let database: TestDatabase;
let pool: Pool;
const workers: Jobs[] = [];
const fatal: unknown[] = [];

beforeAll(async () => {
  database = await testDatabase();
  pool = database.pool('ledger');
  await migrate(pool, 'ledger', [{ name: 'ledger', directory: join(__dirname, '../migrations') }]);
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  await pool.query('delete from jobs');
  expect(fatal).toEqual([]);
});
afterAll(() => database?.drop());

/** A process of the service, as far as jobs can tell. */
async function worker(...kinds: readonly JobKind[]): Promise<Jobs> {
  const { logger } = testLogger();
  const table = jobTable(pool);
  const jobs = createJobs({ table, kinds, now: () => new Date(), logger, onFatal: (error) => fatal.push(error) });
  await jobs.start();
  workers.push(jobs);
  return jobs;
}

const request = (jobs: Jobs, kind: string, jobId: string = randomUUID(), parameters: object = {}) =>
  jobs.request({ jobId, kind, mode: 'sandbox', parameters: { ...parameters }, requestedBy: 'operator' });

async function over(jobs: Jobs, jobId: string) {
  return eventually(
    async () => {
      const job = await jobs.find(jobId);
      if (job === undefined || job.finishedAt === null) throw new Error(`job is ${job?.status}`);
      return job;
    },
    { timeoutMs: 10_000 },
  );
}

async function status(jobs: Jobs, jobId: string, expected: string) {
  await eventually(async () => expect((await jobs.find(jobId))?.status).toBe(expected), { timeoutMs: 10_000 });
}

const parameters = z.object({});

/** Runs until it is told to stop; `runs` counts how often it was begun. */
function endless(kind: string, resumable = false): { kind: JobKind; runs: () => number } {
  let runs = 0;
  return {
    runs: () => runs,
    kind: jobKind({
      kind,
      parameters,
      resumable,
      run: ({ signal, progress }) => {
        runs += 1;
        progress({ phase: 'waiting', done: 3, total: 10 });
        return new Promise((_resolve, reject) => {
          const stop = () => reject(new JobCancelled({ got: 'so far' }));
          if (signal.aborted) stop();
          signal.addEventListener('abort', stop, { once: true });
        });
      },
    }),
  };
}

test('a job is kept with its progress and its report, and a repeat of its id starts nothing', async () => {
  const runs: object[] = [];
  const counting = jobKind({
    kind: 'counting',
    parameters: z.object({ to: z.number() }),
    resumable: false,
    async run({ parameters: { to }, progress, jobId, mode }) {
      runs.push({ jobId, mode, to });
      progress({ phase: 'counting', done: to, total: to });
      return { counted: to };
    },
  });
  const jobs = await worker(counting);
  const jobId = randomUUID();
  expect(await request(jobs, 'counting', jobId, { to: 7 })).toMatchObject({ added: true, job: { status: 'queued' } });
  const job = await over(jobs, jobId);
  expect(job).toMatchObject({
    status: 'succeeded',
    report: { counted: 7 },
    error: null,
    requestedBy: 'operator',
    progress: { phase: 'counting', done: 7, total: 7 },
  });
  expect(await request(jobs, 'counting', jobId, { to: 7 })).toMatchObject({
    added: false,
    job: { report: { counted: 7 } },
  });
  expect(runs).toEqual([{ jobId, mode: 'sandbox', to: 7 }]);
});

test('one job runs at a time over all processes, in the order of the requests', async () => {
  let atOnce = 0;
  const order: string[] = [];
  const overlaps: number[] = [];
  const short = jobKind({
    kind: 'short',
    parameters,
    resumable: false,
    async run({ jobId }) {
      overlaps.push(++atOnce);
      order.push(jobId);
      await pool.query('select 1');
      atOnce -= 1;
      return {};
    },
  });
  const [one, other] = [await worker(short), await worker(short)];
  const ids = Array.from({ length: 6 }, () => randomUUID());
  for (const [index, id] of ids.entries()) await request(index % 2 === 0 ? one : other, 'short', id);
  for (const id of ids) await over(one, id);
  expect(order).toEqual(ids);
  expect(overlaps).toEqual(ids.map(() => 1));
});

test('a running job is cancelled, also by a process that does not run it; a queued one at once', async () => {
  const { kind } = endless('endless');
  const running = await worker(kind);
  const [first, second] = [randomUUID(), randomUUID()];
  await request(running, 'endless', first);
  await request(running, 'endless', second);
  await status(running, first, 'running');
  const elsewhere = await worker(kind);
  expect(await elsewhere.cancel(second, 'operator')).toMatchObject({ status: 'cancelled' });
  expect(await elsewhere.cancel(first, 'operator')).toMatchObject({ status: 'running' });
  expect(await over(running, first)).toMatchObject({
    status: 'cancelled',
    report: { got: 'so far' },
    progress: { done: 3 },
  });
  expect(await elsewhere.cancel(first, 'operator')).toMatchObject({ status: 'cancelled' });
  expect(await elsewhere.cancel(randomUUID(), 'operator')).toBeUndefined();
});

test('a job that fails says why, and the next one runs', async () => {
  const failing = jobKind({
    kind: 'failing',
    parameters,
    resumable: false,
    run: () => Promise.reject(new Error('no', { cause: new Error('because') })),
  });
  const jobs = await worker(failing);
  const [first, second] = [randomUUID(), randomUUID()];
  await request(jobs, 'failing', first);
  await request(jobs, 'gone', second);
  expect(await over(jobs, first)).toMatchObject({
    status: 'failed',
    report: null,
    error: 'Error: no (Error: because)',
  });
  expect(await over(jobs, second)).toMatchObject({ status: 'failed', error: 'this build has no job "gone"' });
});

test('a job whose process stops is taken up by the next, or is interrupted when it cannot be', async () => {
  const [resumable, other] = [endless('resumable', true), endless('other')];
  const before = await worker(resumable.kind, other.kind);
  const [first, second] = [randomUUID(), randomUUID()];
  await request(before, 'other', first);
  await status(before, first, 'running');
  await before.stop();
  expect(await before.find(first)).toMatchObject({ status: 'interrupted', report: { got: 'so far' } });
  const between = await worker(resumable.kind, other.kind);
  await request(between, 'resumable', second);
  await status(between, second, 'running');
  await between.stop();
  expect(await between.find(second)).toMatchObject({ status: 'running' });
  const after = await worker(resumable.kind, other.kind);
  await eventually(() => expect(resumable.runs()).toBe(2), { timeoutMs: 10_000 });
  await after.cancel(second, 'operator');
  expect(await over(after, second)).toMatchObject({ status: 'cancelled' });
});

test('a job whose process was killed is found by the next worker', async () => {
  const { kind, runs } = endless('resumable', true);
  const [first, second] = [randomUUID(), randomUUID()];
  const insert = (jobId: string, name: string) =>
    pool.query(
      `insert into jobs (job_id, kind, mode, parameters, status, requested_by, requested_at, started_at)
       values ($1, $2, 'sandbox', '{}', 'running', 'operator', now(), now())`,
      [jobId, name],
    );
  await insert(first, 'other');
  await insert(second, 'resumable');
  const jobs = await worker(kind, endless('other').kind);
  expect(await over(jobs, first)).toMatchObject({ status: 'interrupted' });
  await eventually(() => expect(runs()).toBe(1), { timeoutMs: 10_000 });
});

test('a worker that loses its lock lets go of its job, which is taken up again', async () => {
  const { kind, runs } = endless('resumable', true);
  const jobs = await worker(kind);
  const jobId = randomUUID();
  await request(jobs, 'resumable', jobId);
  await eventually(() => expect(runs()).toBe(1), { timeoutMs: 10_000 });
  const { rowCount } = await pool.query(
    `select pg_terminate_backend(pid) from pg_locks join pg_database d on d.oid = database
     where locktype = 'advisory' and granted and d.datname = current_database()`,
  );
  expect(rowCount).toBe(1);
  await eventually(() => expect(runs()).toBe(2), { timeoutMs: 10_000 });
  expect(await jobs.find(jobId)).toMatchObject({ status: 'running' });
});

/** Fails so often because of the world; `runs` counts how often it was begun. */
function unlucky(times: number, options: { readonly resumable?: boolean; readonly retryable?: boolean } = {}) {
  const { resumable = true, retryable = true } = options;
  let runs = 0;
  const kind = jobKind({
    kind: 'unlucky',
    parameters,
    resumable,
    async run({ signal, progress }) {
      signal.throwIfAborted();
      runs += 1;
      progress({ phase: 'working', done: runs, total: 10 });
      if (runs <= times) throw new OperationalError('store_unavailable', retryable, { detail: 'away' });
      return { runs };
    },
  });
  return { kind, runs: () => runs };
}

const waiting = { status: 'running', error: null, finishedAt: null, progress: { phase: 'waiting' } };

test('a job that can be taken up again outlasts an outage, and is running meanwhile', async () => {
  const jobs = await worker(unlucky(1).kind);
  const jobId = randomUUID();
  await request(jobs, 'unlucky', jobId);
  await eventually(async () => expect(await jobs.find(jobId)).toMatchObject(waiting), { timeoutMs: 10_000 });
  expect(await over(jobs, jobId)).toMatchObject({ status: 'succeeded', report: { runs: 2 }, error: null });
});

test('a job that waits for an outage to end is cancelled at once, and left to the next worker by one that stops', async () => {
  const { kind, runs } = unlucky(Infinity);
  const before = await worker(kind);
  const jobId = randomUUID();
  await request(before, 'unlucky', jobId);
  await eventually(async () => expect(await before.find(jobId)).toMatchObject(waiting), { timeoutMs: 10_000 });
  await before.stop();
  expect(await before.find(jobId)).toMatchObject(waiting);
  const tried = runs();
  const after = await worker(kind);
  await eventually(() => expect(runs()).toBeGreaterThan(tried), { timeoutMs: 10_000 });
  await after.cancel(jobId, 'operator');
  expect(await over(after, jobId)).toMatchObject({ status: 'cancelled' });
});

test.each([
  ['that cannot be taken up again fails by an outage', { resumable: false }],
  ['fails by what will not pass', { retryable: false }],
])('a job %s', async (_, options) => {
  const { kind, runs } = unlucky(1, options);
  const jobs = await worker(kind);
  const jobId = randomUUID();
  await request(jobs, 'unlucky', jobId);
  const error = 'OperationalError: store_unavailable: away';
  expect(await over(jobs, jobId)).toMatchObject({ status: 'failed', error });
  expect(runs()).toBe(1);
});

test('of jobs that are over a thousand of a kind are remembered, and the last full check of each mode', async () => {
  const check = jobKind({ kind: 'check', parameters, resumable: false, run: async () => ({ scope: 'incremental' }) });
  const jobs = await worker(check);
  const earlier = (count: number, mode: string, scope: string) =>
    pool.query(
      `insert into jobs (job_id, kind, mode, parameters, status, report, requested_by, requested_at, finished_at)
       select gen_random_uuid(), 'check', $2, '{}', 'succeeded', jsonb_build_object('scope', $3::text), 'o', now(), now()
         from generate_series(1, $1)`,
      [count, mode, scope],
    );
  await earlier(2, 'live', 'full');
  await earlier(2, 'sandbox', 'full');
  await earlier(999, 'live', 'incremental');
  const kept = async () => {
    const { rows } = await pool.query<{ mode: string; scope: string; count: number }>(
      `select mode, report->>'scope' as scope, count(*)::integer as count from jobs group by 1, 2 order by 1, 2`,
    );
    return rows.map(({ mode, scope, count }) => `${mode} ${scope} ${count}`);
  };
  const newest = randomUUID();
  await request(jobs, 'check', newest);
  await over(jobs, newest);
  await eventually(
    async () =>
      expect(await kept()).toEqual(['live full 1', 'live incremental 999', 'sandbox full 1', 'sandbox incremental 1']),
    { timeoutMs: 10_000 },
  );
});

test('no more than twenty wait', async () => {
  const { kind } = endless('endless');
  const jobs = await worker(kind);
  const answers = [];
  for (let n = 0; n < 21; n++) answers.push(await request(jobs, 'endless'));
  expect(answers.filter((answer) => answer === undefined)).toHaveLength(1);
  expect(answers.at(-1)).toBeUndefined();
});
