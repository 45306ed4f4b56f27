/** The calls about jobs: what a job is for those who ask, and what they may not see. */
import {
  cancelJob,
  getJob,
  jobView,
  listJobs,
  startJob,
  type CallOutcome,
  type CallRequest,
  type Mode,
} from '@daybook/contracts';
import type { z } from 'zod';
import { refusalOf } from './books';
import { cursorOf, listOf, pageOf, sequenceOf } from './cursor';
import type { Job } from './job';
import { etaSeconds } from './job-progress';
import type { Jobs } from './jobs';

type Answer<Call> = (request: CallRequest<Call>) => Promise<CallOutcome<Call>>;

export type JobCalls = {
  readonly startJob: Answer<typeof startJob>;
  readonly getJob: Answer<typeof getJob>;
  readonly listJobs: Answer<typeof listJobs>;
  readonly cancelJob: Answer<typeof cancelJob>;
};

export function jobCalls(jobs: Jobs): JobCalls {
  const find = async ({
    jobId,
    kind,
    mode,
  }: {
    readonly jobId: string;
    readonly kind: string;
    readonly mode: Mode;
  }) => {
    const job = await jobs.find(jobId);
    return job?.kind === kind && job.mode === mode ? job : undefined;
  };
  return {
    async startJob({ jobId, mode, job: { kind, parameters }, actor }) {
      const started = await jobs.request({ jobId, mode, kind, parameters, requestedBy: actor });
      if (started === undefined) return refusalOf(startJob, 'jobs_exhausted');
      const { job, added } = started;
      const same = job.kind === kind && job.mode === mode && sameParameters(job.parameters, parameters);
      return same ? { ok: true, value: { job: viewOf(job), replayed: !added } } : refusalOf(startJob, 'id_reused');
    },
    async getJob(request) {
      const job = await find(request);
      return job === undefined ? refusalOf(getJob, 'job_not_found') : { ok: true, value: { job: viewOf(job) } };
    },
    async listJobs(request) {
      const { mode, kind, limit, cursor, scope } = request;
      const list = listOf(listJobs.name, request);
      const before = cursor === null ? null : sequenceOf(list, cursor);
      if (before === undefined) return refusalOf(listJobs, 'cursor_invalid');
      const { rows, last } = pageOf(await jobs.list({ mode, kind, before, limit: limit + 1, scope }), limit);
      return {
        ok: true,
        value: { jobs: rows.map(viewOf), nextCursor: last && cursorOf(list, last.number.toString()) },
      };
    },
    async cancelJob(request) {
      const job = (await find(request)) && (await jobs.cancel(request.jobId, request.actor));
      return job === undefined ? refusalOf(cancelJob, 'job_not_found') : { ok: true, value: { job: viewOf(job) } };
    },
  };
}

/** Both came through the same schema, which gives them their order. */
function sameParameters(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function viewOf({ number: _number, kind, progress, ...job }: Job): z.output<typeof jobView> {
  return {
    ...job,
    kind: jobView.shape.kind.parse(kind),
    parameters: { ...job.parameters },
    report: job.report && { ...job.report },
    progress: { ...progress, etaSeconds: job.status === 'running' ? etaSeconds(progress) : null },
  };
}
