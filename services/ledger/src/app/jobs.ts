/**
 * Long work in the background: one job at a time, over all processes of the service. A job is kept with its progress
 * and its report, so that it outlives the request that asked for it and the process that did it.
 *
 *   queued ──▶ running ──▶ succeeded | failed | cancelled
 *     └▶ cancelled  └──▶ interrupted     the process ended, and the kind cannot take its work up again
 *
 * Whoever holds the table's lock is the only worker. A job that it finds running has therefore lost its own: it is run
 * again when its kind is resumable, else it is marked interrupted.
 */
import { assert, isOperationalError } from '@daybook/core';
import { createAlarm, type Alarm, type Clock, type Component, type Logger, type OnFatal } from '@daybook/runtime';
import type { Job, JobKind, JobQuery, JobTable, NewJob } from './job';
import { jobRunner, type JobRunner } from './job-runner';

export type Jobs = Component & {
  /** Resolves when the job is kept; it is run later. Undefined when too many wait. */
  request(
    job: Pick<NewJob, 'jobId' | 'kind' | 'mode' | 'parameters' | 'requestedBy'>,
  ): Promise<{ readonly job: Job; readonly added: boolean } | undefined>;
  find(jobId: string): Promise<Job | undefined>;
  list(query: JobQuery): Promise<readonly Job[]>;
  /** Of a job that is not over. Returns it as it is then. */
  cancel(jobId: string, actor: string): Promise<Job | undefined>;
};

export type JobsDeps = {
  readonly table: JobTable;
  readonly kinds: readonly JobKind[];
  readonly now: Clock;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
};

/** Waiting and running together. */
const unfinishedMax = 20;
/** Between looks for jobs that another process was asked for. */
const pollMs = 2_000;
const retryMs = 1_000;

export function createJobs(deps: JobsDeps): Jobs {
  const { table, now } = deps;
  const alarm = createAlarm();
  const runner = jobRunner(deps);
  let run: { readonly stopping: AbortController; readonly ended: Promise<void> } | undefined;

  return {
    name: 'jobs',
    async start() {
      assert(run === undefined, 'the jobs are running already');
      const stopping = new AbortController();
      const ended = supervise(deps, { alarm, runner, stopping: stopping.signal }).catch(deps.onFatal);
      run = { stopping, ended };
    },
    async stop() {
      run?.stopping.abort();
      alarm.ring();
      await run?.ended;
      run = undefined;
    },
    async request(job) {
      const { jobId, kind, requestedBy } = job;
      deps.logger.info({ jobId, kind, actor: requestedBy }, 'a job is asked for');
      const added = await table.add({ ...job, requestedAt: now().toISOString() }, unfinishedMax);
      alarm.ring();
      return added;
    },
    find: (jobId) => table.find(jobId),
    list: (query) => table.list(query),
    async cancel(jobId, actor) {
      deps.logger.info({ jobId, actor }, 'a job is to be cancelled');
      const job = await table.requestCancel(jobId, now().toISOString());
      runner.look(jobId);
      return job;
    },
  };
}

type Run = { readonly alarm: Alarm; readonly runner: JobRunner; readonly stopping: AbortSignal };

/** Works until stopped. Failures of the world are retried: a job that was running then is found by the next look. */
async function supervise(deps: JobsDeps, { alarm, runner, stopping }: Run): Promise<void> {
  const { table, logger, now } = deps;
  while (!stopping.aborted) {
    try {
      if (await table.hasUnfinished()) {
        await table.asOnlyWorker(async (lost) => {
          const letGo = AbortSignal.any([stopping, lost]);
          for (const job of await table.running()) await runner.takeUp(job, letGo);
          let next: Job | undefined;
          while (!letGo.aborted && (next = await table.takeNext(now().toISOString()))) await runner.run(next, letGo);
        });
      }
      if (!stopping.aborted) await alarm.wait(pollMs);
    } catch (error) {
      if (!isOperationalError(error)) throw error;
      logger.warn({ error, retryMs }, 'jobs will be looked at again');
      if (!stopping.aborted) await alarm.wait(retryMs);
    }
  }
}
