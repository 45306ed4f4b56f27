/** What a job is, what a kind of job brings, and where jobs are kept. */
import type { checkScope, jobStatuses, Mode } from '@daybook/contracts';
import type { z } from 'zod';

export type JobReport = Readonly<Record<string, unknown>>;

export type JobContext<Parameters> = {
  readonly jobId: string;
  /** Of the credential that asked. */
  readonly mode: Mode;
  readonly parameters: Parameters;
  /** Aborted when the job is cancelled, with `JobCancelled` as its reason, and when this process must let go of it: stop, and throw. */
  readonly signal: AbortSignal;
  /** Of the phase that is named, and of none before. Cheap: call it as often as there is something to say. */
  progress(step: JobStep): void;
};

export type JobStep = { readonly phase: string; readonly done?: number; readonly total?: number | null };

/** A kind of job. What `run` returns is the report of a job that succeeded. */
export type JobKind<Parameters extends z.ZodType = z.ZodType> = {
  readonly kind: string;
  readonly parameters: Parameters;
  /** Whether `run` may be called again with the same job id after the process ended in the middle of it, or the world failed. */
  readonly resumable: boolean;
  run(context: JobContext<z.output<Parameters>>): Promise<JobReport>;
};

/** Lets the compiler see that `run` takes what `parameters` gives. */
export function jobKind<Parameters extends z.ZodType>(kind: JobKind<Parameters>): JobKind {
  return kind as JobKind;
}

/** What a kind throws when it was cancelled and has something to say of what it did until then. */
export class JobCancelled extends Error {
  override readonly name = 'JobCancelled';
  constructor(readonly report: JobReport) {
    super('the job was cancelled');
  }
}

export type JobStatus = (typeof jobStatuses)[number];

export type JobProgress = {
  readonly phase: string | null;
  readonly done: number;
  readonly total: number | null;
  readonly ratePerSecond: number | null;
};

export type NewJob = {
  readonly jobId: string;
  readonly kind: string;
  readonly mode: Mode;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly requestedBy: string;
  readonly requestedAt: string;
};

export type Job = NewJob & {
  /** Place in the order of requests. */
  readonly number: bigint;
  readonly status: JobStatus;
  readonly progress: JobProgress;
  readonly report: JobReport | null;
  readonly error: string | null;
  readonly startedAt: string | null;
  readonly cancelRequestedAt: string | null;
  readonly finishedAt: string | null;
};

export type JobEnd = {
  readonly status: Exclude<JobStatus, 'queued' | 'running'>;
  readonly report?: JobReport | undefined;
  readonly error?: string | undefined;
  readonly at: string;
};

export type JobQuery = {
  readonly mode: Mode;
  readonly kind: string;
  readonly before: bigint | null;
  readonly limit: number;
  /** Only checks of this scope. */
  readonly scope?: z.output<typeof checkScope> | undefined;
};

/** Where jobs are kept. Fails with OperationalError when the database is away. */
export type JobTable = {
  /** Undefined when `unfinishedMax` jobs are waiting or running. A job whose id is there already is left as it is. */
  add(job: NewJob, unfinishedMax: number): Promise<{ readonly job: Job; readonly added: boolean } | undefined>;
  find(jobId: string): Promise<Job | undefined>;
  /** Newest first, without reports. */
  list(query: JobQuery): Promise<readonly Job[]>;
  /** Notes the wish on a job that is not over; one that is queued is over with it. */
  requestCancel(jobId: string, at: string): Promise<Job | undefined>;
  /** Whether there is something to do for whoever can become the worker. */
  hasUnfinished(): Promise<boolean>;
  /** Runs `work` while no other process does; false when one does. `lost` is aborted when that is over by accident. */
  asOnlyWorker(work: (lost: AbortSignal) => Promise<void>): Promise<boolean>;
  running(): Promise<readonly Job[]>;
  /** The oldest queued job, running now. */
  takeNext(at: string): Promise<Job | undefined>;
  /** Tells whether the job is to be cancelled. */
  save(jobId: string, progress: JobProgress): Promise<{ readonly cancelRequested: boolean }>;
  finish(jobId: string, end: JobEnd): Promise<void>;
};
