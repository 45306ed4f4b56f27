/**
 * Runs one job to its end: hands the kind its parameters, keeps what it says of its progress, and tells it when to stop.
 * What a job ended with is kept before the next one begins. When that fails, the job is still running for the table,
 * and whoever becomes the worker finds it. One that can be taken up again and failed because of the world goes on after a
 * pause, for as long as it takes; it is running meanwhile.
 */
import { isOperationalError } from '@daybook/core';
import { createAlarm, type Clock, type Logger } from '@daybook/runtime';
import { setTimeout as delay } from 'node:timers/promises';
import { JobCancelled, type Job, type JobEnd, type JobKind, type JobStep, type JobTable } from './job';
import { measure, type Measure } from './job-progress';

export type JobRunner = {
  run(job: Job, letGo: AbortSignal): Promise<void>;
  /** Of a job that lost its worker. */
  takeUp(job: Job, letGo: AbortSignal): Promise<void>;
  /** Look at once whether the job is to be cancelled, if it is the one that runs here. */
  look(jobId: string): void;
};

type Deps = {
  readonly table: JobTable;
  readonly kinds: readonly JobKind[];
  readonly now: Clock;
  readonly logger: Logger;
};

/** Between savings of the progress. A wish to cancel that another process took is seen as late. */
const saveMs = 500;
const pauseMs = 2_000;

export function jobRunner(deps: Deps): JobRunner {
  const { kinds, logger } = deps;
  let current: { readonly jobId: string; look(): void } | undefined;

  const run = async (job: Job, letGo: AbortSignal) => {
    const kind = kinds.find((one) => one.kind === job.kind);
    if (kind === undefined)
      return finish(deps, job, { status: 'failed', error: `this build has no job "${job.kind}"` });
    const cancel = new AbortController();
    if (job.cancelRequestedAt !== null) cancel.abort(new JobCancelled({}));
    const measured = measure();
    const alarm = createAlarm();
    current = { jobId: job.jobId, look: alarm.ring };
    const over = new AbortController();
    const saved = (async () => {
      while (!over.signal.aborted) {
        await alarm.wait(saveMs);
        if (await savedAndUnwanted(deps, job, measured)) cancel.abort(new JobCancelled({}));
      }
    })();
    // It is awaited below; a failure before that is not unhandled.
    saved.catch(() => undefined);
    const end = await endOf(deps, { kind, job, cancel: cancel.signal, letGo, measured });
    over.abort();
    current = undefined;
    alarm.ring();
    await saved;
    if (end !== undefined) await finish(deps, job, end);
  };

  return {
    run,
    async takeUp(job, letGo) {
      const resumable = kinds.some((kind) => kind.kind === job.kind && kind.resumable);
      if (!resumable)
        return finish(deps, job, { status: job.cancelRequestedAt === null ? 'interrupted' : 'cancelled' });
      logger.info({ jobId: job.jobId, kind: job.kind }, 'taking up a job whose process ended');
      return run(job, letGo);
    },
    look(jobId) {
      if (current?.jobId === jobId) current.look();
    },
  };
}

type End = Omit<JobEnd, 'at'>;

async function finish({ table, now, logger }: Deps, { jobId, kind, mode }: Job, end: End): Promise<void> {
  await table.finish(jobId, { ...end, at: now().toISOString() });
  const { status, error } = end;
  if (status === 'failed') logger.error({ jobId, kind, mode, reason: error }, 'job failed');
  else logger.info({ jobId, kind, mode, status }, 'job over');
}

/** Keeps the progress, and tells whether the job is to be cancelled. While the database is away it does neither. */
async function savedAndUnwanted({ table, now, logger }: Deps, { jobId }: Job, measured: Measure): Promise<boolean> {
  try {
    return (await table.save(jobId, measured.now(now().getTime()))).cancelRequested;
  } catch (error) {
    if (!isOperationalError(error)) throw error;
    logger.warn({ error, jobId }, 'the progress of a job is not kept');
    return false;
  }
}

type Running = {
  readonly kind: JobKind;
  readonly job: Job;
  readonly cancel: AbortSignal;
  readonly letGo: AbortSignal;
  readonly measured: Measure;
};

/** Runs it. Undefined when the job is to be left as it is, for another worker to find. */
async function endOf({ now, logger }: Deps, { kind, job, cancel, letGo, measured }: Running): Promise<End | undefined> {
  const { jobId, mode, parameters } = job;
  const signal = AbortSignal.any([cancel, letGo]);
  const progress = (step: JobStep) => measured.step(step, now().getTime());
  for (;;) {
    try {
      const report = await kind.run({ jobId, mode, parameters: kind.parameters.parse(parameters), signal, progress });
      return { status: 'succeeded', report };
    } catch (error) {
      const report = error instanceof JobCancelled ? error.report : undefined;
      if (letGo.aborted) return kind.resumable ? undefined : { status: 'interrupted', report };
      if (cancel.aborted) return { status: 'cancelled', report };
      if (!kind.resumable || !passes(error)) return { status: 'failed', error: describe(error) };
      logger.warn({ error, jobId, pauseMs }, 'a job will go on');
      progress({ phase: 'waiting' });
      // Whoever cancels it then meets a kind that tidies up.
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function passes(error: unknown): boolean {
  return isOperationalError(error) && error.retryable;
}

/** With its causes: the outermost message alone seldom says what was wrong. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return `${error.name}: ${error.message}${cause === undefined ? '' : ` (${describe(cause)})`}`.slice(0, 2_000);
}
