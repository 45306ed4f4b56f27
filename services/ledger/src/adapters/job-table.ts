/**
 * The jobs on Postgres, one row a job. The worker's lock belongs to a connection of its own: when that breaks, another
 * process may become the worker at once, so the work here is told to let go.
 */
import { withSessionLock } from '@daybook/event-store';
import type { Mode } from '@daybook/contracts';
import type { Pool } from 'pg';
import type { Job, JobReport, JobStatus, JobTable } from '../app/job';

/** Jobs that are over, of one kind, that are remembered; and the last full check of each mode, which stands until the next. */
const keptMax = 1_000;

const names = [
  'number',
  'job_id',
  'kind',
  'mode',
  'parameters',
  'status',
  'phase',
  'done',
  'total',
  'rate_per_second',
  'report',
  'error',
  'requested_by',
  'requested_at',
  'started_at',
  'cancel_requested_at',
  'finished_at',
];
const columns = names.join(', ');
const columnsBut = (without: string) => names.filter((name) => name !== without).join(', ');

/** What a check is or was to be: one that was asked for as incremental may have been full. */
const scopeOf = `coalesce(report->>'scope', case when (parameters->>'incremental')::boolean then 'incremental' else 'full' end)`;

const statements = {
  add: `insert into jobs (job_id, kind, mode, parameters, status, requested_by, requested_at)
         select $1, $2, $3, $4, 'queued', $5, $6
         where (select count(*) from jobs where status in ('queued', 'running')) < $7
         on conflict (job_id) do nothing returning ${columns}`,
  cancel: `update jobs
         set cancel_requested_at = coalesce(cancel_requested_at, $2),
             status = case status when 'queued' then 'cancelled' else status end,
             finished_at = case status when 'queued' then $2::timestamptz end
         where job_id = $1 and status in ('queued', 'running')`,
  take: `update jobs set status = 'running', started_at = $1
         where number = (select min(number) from jobs where status = 'queued') and status = 'queued'
         returning ${columns}`,
  save: `update jobs set phase = $2, done = $3, total = $4, rate_per_second = $5
         where job_id = $1 and status = 'running' returning cancel_requested_at is not null as cancel`,
  finish: `update jobs set status = $2, report = $3, error = $4, finished_at = $5
         where job_id = $1 and status in ('queued', 'running')`,
  forget: `delete from jobs j using (select kind from jobs where job_id = $1) one
         where j.kind = one.kind and j.finished_at is not null and j.number <= (
           select number from jobs where kind = one.kind and finished_at is not null
           order by number desc offset $2 limit 1)
           and j.number not in (
             select max(number) from jobs where kind = 'check' and finished_at is not null and ${scopeOf} = 'full' group by mode)`,
} as const;

export function jobTable(pool: Pool): JobTable {
  const query = async <Found extends object = JobRow>(text: string, values: readonly unknown[]) =>
    (await pool.query<Found>(text, [...values])).rows;

  return {
    async add({ jobId, kind, mode, parameters, requestedBy, requestedAt }, unfinishedMax) {
      const [added] = await query(statements.add, [
        jobId,
        kind,
        mode,
        parameters,
        requestedBy,
        requestedAt,
        unfinishedMax,
      ]);
      if (added) return { job: jobOf(added), added: true };
      const [there] = await query(`select ${columns} from jobs where job_id = $1`, [jobId]);
      return there && { job: jobOf(there), added: false };
    },
    find: async (jobId) => (await query(`select ${columns} from jobs where job_id = $1`, [jobId])).map(jobOf)[0],
    async list({ mode, kind, before, limit, scope }) {
      const rows = await query(
        `select ${columnsBut('report')}, null as report from jobs
         where kind = $1 and mode = $2 and ($3::bigint is null or number < $3)
           and ($5::text is null or ${scopeOf} = $5) order by number desc limit $4`,
        [kind, mode, before, limit, scope ?? null],
      );
      return rows.map(jobOf);
    },
    async requestCancel(jobId, at) {
      await query(statements.cancel, [jobId, at]);
      return (await query(`select ${columns} from jobs where job_id = $1`, [jobId])).map(jobOf)[0];
    },
    async hasUnfinished() {
      return (await query(`select 1 from jobs where status in ('queued', 'running') limit 1`, [])).length > 0;
    },
    asOnlyWorker: async (work) => (await withSessionLock(pool, { name: 'jobs' }, work)) !== undefined,
    running: async () =>
      (await query(`select ${columns} from jobs where status = 'running' order by number`, [])).map(jobOf),
    async takeNext(at) {
      const rows = await query(statements.take, [at]);
      return rows.map(jobOf)[0];
    },
    async save(jobId, { phase, done, total, ratePerSecond }) {
      const [row] = await query<{ cancel: boolean }>(statements.save, [jobId, phase, done, total, ratePerSecond]);
      return { cancelRequested: row?.cancel ?? false };
    },
    async finish(jobId, { status, report, error, at }) {
      await query(statements.finish, [
        jobId,
        status,
        report === undefined ? null : JSON.stringify(report),
        error ?? null,
        at,
      ]);
      await query(statements.forget, [jobId, keptMax]);
    },
  };
}

type JobRow = {
  number: string;
  job_id: string;
  kind: string;
  mode: Mode;
  parameters: Record<string, unknown>;
  status: JobStatus;
  phase: string | null;
  done: string;
  total: string | null;
  rate_per_second: number | null;
  report: JobReport | null;
  error: string | null;
  requested_by: string;
  requested_at: Date;
  started_at: Date | null;
  cancel_requested_at: Date | null;
  finished_at: Date | null;
};

function jobOf(row: JobRow): Job {
  return {
    number: BigInt(row.number),
    jobId: row.job_id,
    kind: row.kind,
    mode: row.mode,
    parameters: row.parameters,
    status: row.status,
    progress: {
      phase: row.phase,
      done: Number(row.done),
      total: row.total === null ? null : Number(row.total),
      ratePerSecond: row.rate_per_second,
    },
    report: row.report,
    error: row.error,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at.toISOString(),
    startedAt: row.started_at?.toISOString() ?? null,
    cancelRequestedAt: row.cancel_requested_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}
