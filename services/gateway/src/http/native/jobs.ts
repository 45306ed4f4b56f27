import {
  cancelJob,
  checkParameters,
  checkScope,
  getJob,
  jobKind,
  jobStatuses,
  listJobs,
  startJob,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { isOperationalError } from '@daybook/core';
import { jsonInteger, type Failure } from '@daybook/http';
import { uuidFrom, uuidv7 } from '@daybook/runtime';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import type { Services } from '../../ports';
import { cursor, limit, optionalKeyHeader, pathUuid, text, timestampField } from '../fields';
import { accepted, type RejectionOf } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf, invalidField } from '../responses';
import { route, type Route, type ServerSentEvent } from '../route';
import { nativeDialect, nativeRejections } from './dialect';
import { describeReplayAsked, describeReplayReport, replayAsked, replayReport } from './replay-reports';

type Deps = { readonly services: Pick<Services, 'ledger'> };
type JobRequest = CallRequest<typeof startJob>['job'];
type JobView = Extract<CallOutcome<typeof getJob>, { ok: true }>['value']['job'];

/** Long work of the ledger. An operator sees and cancels the jobs that were asked for in the mode of its credential. */
export function jobRoutes(deps: Deps): Route[] {
  return [...routesOf(deps, replays), ...routesOf(deps, checks)];
}

/** One kind of job, as the API calls it. */
type Resource<Body extends z.ZodObject> = {
  readonly path: string;
  readonly kind: JobRequest['kind'];
  readonly noun: string;
  readonly description: string;
  readonly body: Body;
  readonly bodyExample: unknown;
  jobOf(body: z.output<Body>): JobRequest;
  readonly job: z.ZodType;
  /** Of what is different from kind to kind. */
  describe(view: JobView): { readonly parameters: unknown; readonly report: unknown };
  /** What a list can be limited to. */
  readonly filter: z.ZodRawShape;
  readonly example: object;
};

/** Of a job of any kind. */
const job = z.strictObject({
  id: z.uuid(),
  kind: jobKind,
  status: z.enum(jobStatuses).meta({
    description:
      'Over unless it is queued or running. `interrupted`: Daybook ended meanwhile, and it is to be started again.',
  }),
  progress: z.strictObject({
    phase: z.string().nullable(),
    done: z.number().int(),
    total: z.number().int().nullable(),
    rate_per_second: z.number().nullable(),
    eta_seconds: z.number().nullable(),
  }),
  error: z.string().nullable().meta({ description: 'Why it failed.' }),
  requested_by: z.string(),
  requested_at: timestampField,
  started_at: timestampField.nullable(),
  cancel_requested_at: timestampField.nullable(),
  finished_at: timestampField.nullable(),
});

const cameOfIt = { description: 'What came of it.' };

const example = {
  id: '018f3a52-7c1e-7b44-9d0a-5c0f2c1e8a01',
  status: 'running',
  progress: { phase: 'reading the journal', done: 120_000, total: 480_000, rate_per_second: 80_000, eta_seconds: 5 },
  report: null,
  error: null,
  requested_by: '018f3a52-7c1e-7b44-9d0a-5c0f2c1e8a02',
  requested_at: '2026-02-11T10:06:10.000Z',
  started_at: '2026-02-11T10:06:10.005Z',
  cancel_requested_at: null,
  finished_at: null,
} as const;

const sequence = jsonInteger
  .refine((number) => number >= 0, 'must be a whole number from 0')
  .meta({ override: { type: 'integer', minimum: 0 } });

const replayBody = z
  .strictObject({
    dry_run: z.boolean().default(true),
    accept_differences: z.boolean().default(false),
    tenant_id: z.uuid().nullable().default(null),
    account_id: text(200).nullable().default(null),
    from_sequence: sequence.nullable().default(null),
    to_sequence: sequence.nullable().default(null),
  })
  // Of a range without sequences everything would be equal.
  .refine(({ from_sequence: from, to_sequence: to }) => from === null || to === null || from <= to, {
    path: ['from_sequence'],
    error: 'must not be after to_sequence',
  });

const replays: Resource<typeof replayBody> = {
  path: '/v1/ops/replays',
  kind: 'replay',
  noun: 'replay',
  description:
    "Fills the ledger's read models again from the journal, beside the live ones, and compares. A dry run, which is the " +
    'default, takes them away again and reports what would change; otherwise reads are switched to them, when they are ' +
    'equal or `accept_differences` says so. Tenant, account and sequences limit what is reported, not what is built.',
  body: replayBody,
  bodyExample: { dry_run: true },
  jobOf: (body) => ({
    kind: 'replay',
    parameters: {
      dryRun: body.dry_run,
      acceptDifferences: body.accept_differences,
      tenantId: body.tenant_id,
      accountId: body.account_id,
      from: body.from_sequence,
      to: body.to_sequence,
    },
  }),
  job: job.extend({ parameters: replayAsked, report: replayReport.nullable().meta(cameOfIt) }),
  describe: ({ parameters, report }) => ({
    parameters: describeReplayAsked(parameters),
    report: report && describeReplayReport(report),
  }),
  filter: {},
  example: { ...example, kind: 'replay', parameters: describeReplayAsked({}) },
};

/** A newer ledger may have more of them. */
const checkAsked = z.object(checkParameters.shape);

const checks: Resource<z.ZodObject<{ incremental: z.ZodDefault<z.ZodBoolean> }>> = {
  path: '/v1/ops/checks',
  kind: 'check',
  noun: 'check',
  description:
    'Compares every read model of the ledger with the journal, and tests the invariants. `report.status` is `CLEAN`, ' +
    '`DIFFERENCES`, or `INCOMPLETE` when something could not be checked. An incremental check begins where the last ' +
    'clean one ended, and tests less.',
  body: z.strictObject({ incremental: z.boolean().default(false) }),
  bodyExample: { incremental: false },
  jobOf: (parameters) => ({ kind: 'check', parameters }),
  job: job.extend({
    parameters: z.strictObject({ incremental: z.boolean() }),
    report: z.record(z.string(), z.unknown()).nullable().meta(cameOfIt),
  }),
  // The ledger writes the report of a check in the names of the API.
  describe: ({ parameters, report }) => ({ parameters: checkAsked.parse(parameters), report }),
  filter: {
    scope: checkScope.optional().meta({
      description: 'Only checks of this scope. An incremental check is a full one as long as none was clean.',
    }),
  },
  example: { ...example, kind: 'check', parameters: { incremental: false } },
};

type JobRejection = RejectionOf<typeof startJob | typeof getJob | typeof listJobs | typeof cancelJob>;
const rejections = {
  id_reused: {
    status: 409,
    code: 'IDEMPOTENCY_KEY_REUSED',
    message: 'Idempotency-Key was already used for another request.',
  },
  jobs_exhausted: { status: 409, code: 'JOBS_EXHAUSTED', message: 'Too many jobs are waiting already.' },
  job_not_found: { status: 404, code: 'JOB_NOT_FOUND', message: 'There is no such job.' },
  cursor_invalid: nativeRejections.cursor_invalid,
} as const satisfies Record<JobRejection, Failure>;

function routesOf<Body extends z.ZodObject>(deps: Deps, resource: Resource<Body>): Route[] {
  return [
    start(deps, resource),
    list(deps, resource),
    read(deps, resource),
    cancel(deps, resource),
    follow(deps, resource),
  ];
}

function start<Body extends z.ZodObject>({ services: { ledger } }: Deps, resource: Resource<Body>): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: resource.path,
    summary: `Start a ${resource.noun}`,
    description: `${resource.description} It runs in the background, one job at a time.`,
    access: ['ops'],
    request: {
      query: z.strictObject({}),
      headers: optionalKeyHeader,
      body: resource.body,
      bodyExample: resource.bodyExample,
    },
    responses: {
      202: {
        description: 'Asked for, or asked for before with the same key.',
        schema: resource.job,
        example: { ...resource.example, status: 'queued', started_at: null },
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        invalidField('Idempotency-Key', 'must be 1 to 200 printable ASCII characters without spaces'),
        rejections.id_reused,
        rejections.jobs_exhausted,
      ]),
    },
    async handle({ caller, headers, body }) {
      const key = headers['Idempotency-Key'];
      const outcome = await ledger(startJob, {
        jobId: key === undefined ? uuidv7() : uuidFrom([caller.tenantId, caller.mode, resource.path, key]),
        mode: caller.mode,
        job: resource.jobOf(body as z.output<Body>),
        actor: caller.credentialId,
      });
      const { job: started, replayed } = accepted<typeof startJob>(outcome, rejections);
      return { status: 202, headers: replayedIf(replayed), body: shown(resource, started) };
    },
  });
}

function list<Body extends z.ZodObject>({ services: { ledger } }: Deps, resource: Resource<Body>): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: resource.path,
    summary: `List ${resource.noun}s`,
    description: 'Newest first, without their reports.',
    access: ['ops'],
    request: { query: z.strictObject({ limit, cursor: cursor.optional(), ...resource.filter }) },
    responses: {
      200: {
        description: 'A page. `next_cursor` is null on the last one.',
        schema: z.strictObject({ jobs: z.array(resource.job), next_cursor: z.string().nullable() }),
        example: { jobs: [resource.example], next_cursor: null },
      },
      ...errorsOf(nativeDialect, [rejections.cursor_invalid]),
    },
    async handle({ caller: { mode }, query }) {
      const { kind } = resource;
      const { scope } = query as { readonly scope?: z.output<typeof checkScope> };
      const list = { mode, kind, limit: query.limit, cursor: query.cursor ?? null };
      const outcome = await ledger(listJobs, scope === undefined ? list : { ...list, scope });
      const page = accepted<typeof listJobs>(outcome, rejections);
      return { body: { jobs: page.jobs.map((each) => shown(resource, each)), next_cursor: page.nextCursor } };
    },
  });
}

const params = z.strictObject({ id: pathUuid });

function read<Body extends z.ZodObject>({ services }: Deps, resource: Resource<Body>): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: `${resource.path}/{id}`,
    summary: `Read a ${resource.noun}`,
    description: 'Its state, how far it is, and its report once it is over.',
    access: ['ops'],
    request: { params, query: z.strictObject({}) },
    paramsInvalid: rejections.job_not_found,
    responses: {
      200: { description: 'The job.', schema: resource.job, example: resource.example },
      ...errorsOf(nativeDialect, [rejections.job_not_found]),
    },
    handle: async ({ caller, params: { id } }) => ({
      body: shown(resource, await found(services, resource, caller, id)),
    }),
  });
}

function cancel<Body extends z.ZodObject>({ services: { ledger } }: Deps, resource: Resource<Body>): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: `${resource.path}/{id}/cancel`,
    summary: `Cancel a ${resource.noun}`,
    description:
      'A queued job is cancelled at once, a running one as soon as it can stop. One that is over stays as it is: ' +
      '`status` says which.',
    access: ['ops'],
    request: { params, query: z.strictObject({}) },
    paramsInvalid: rejections.job_not_found,
    responses: {
      200: { description: 'The job as it is now.', schema: resource.job, example: resource.example },
      ...errorsOf(nativeDialect, [...bodyFailures, rejections.job_not_found]),
    },
    async handle({ caller, params: { id } }) {
      const { kind } = resource;
      const outcome = await ledger(cancelJob, { mode: caller.mode, kind, jobId: id, actor: caller.credentialId });
      return { body: shown(resource, accepted<typeof cancelJob>(outcome, rejections).job) };
    },
  });
}

function follow<Body extends z.ZodObject>({ services }: Deps, resource: Resource<Body>): Route {
  const told = (event: string, data: unknown) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  return route({
    dialect: 'native',
    method: 'get',
    path: `${resource.path}/{id}/events`,
    summary: `Follow a ${resource.noun}`,
    description:
      'Server-sent events: `progress` whenever something changed, and `end` when the job is over, with its report. ' +
      'Both carry the job. A stream that ends without `end` is to be opened again.',
    access: ['ops'],
    request: { params, query: z.strictObject({}) },
    paramsInvalid: rejections.job_not_found,
    responses: {
      200: {
        description: 'The stream. It begins with the job as it is.',
        mediaType: 'text/event-stream',
        schema: z.string(),
        example: told('progress', resource.example) + told('end', { ...resource.example, status: 'succeeded' }),
      },
      ...errorsOf(nativeDialect, [rejections.job_not_found]),
    },
    async handle({ caller, params: { id } }) {
      const look = async () => shown(resource, await found(services, resource, caller, id));
      const first = await look();
      return { events: (signal) => changes(first, look, signal) };
    },
  });
}

/** Between two looks. */
const lookMs = 500;

type Shown = ReturnType<typeof shown>;

async function* changes(
  first: Shown,
  look: () => Promise<Shown>,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  let before: string | undefined;
  for (let now = first; !signal.aborted; now = (await orNothing(look())) ?? now) {
    if (now.finished_at !== null) return yield { event: 'end', data: now };
    if (JSON.stringify(now) !== before) yield { event: 'progress', data: now };
    before = JSON.stringify(now);
    // Aborted is not an error: the loop ends.
    await delay(lookMs, undefined, { signal }).catch(() => undefined);
  }
}

/** While the ledger is away there is no news. */
async function orNothing(looking: Promise<Shown>): Promise<Shown | undefined> {
  return looking.catch((error: unknown) => {
    if (isOperationalError(error)) return undefined;
    throw error;
  });
}

async function found(
  { ledger }: Deps['services'],
  { kind }: Pick<Resource<z.ZodObject>, 'kind'>,
  { mode }: Credential,
  jobId: string,
): Promise<JobView> {
  return accepted<typeof getJob>(await ledger(getJob, { mode, kind, jobId }), rejections).job;
}

function shown(
  { describe }: Pick<Resource<z.ZodObject>, 'describe'>,
  view: JobView,
): z.input<typeof job> & ReturnType<typeof describe> {
  const { progress } = view;
  const { parameters, report } = describe(view);
  return {
    id: view.jobId,
    kind: view.kind,
    status: view.status,
    parameters,
    progress: {
      phase: progress.phase,
      done: progress.done,
      total: progress.total,
      rate_per_second: progress.ratePerSecond,
      eta_seconds: progress.etaSeconds,
    },
    report,
    error: view.error,
    requested_by: view.requestedBy,
    requested_at: view.requestedAt,
    started_at: view.startedAt,
    cancel_requested_at: view.cancelRequestedAt,
    finished_at: view.finishedAt,
  };
}
