import { z } from 'zod';
import { defineCall } from '../call-contract';
import { asset, mode, signedTotalUnits, tenantId, timestamp } from '../fields';

/**
 * What a rebuild of the ledger's read models is asked to do. A dry run fills the tables beside the live ones, compares
 * them and takes them away again.
 */
export const replayParameters = z.strictObject({
  dryRun: z.boolean().default(true),
  /** Show the new tables also when they differ from the live ones. */
  acceptDifferences: z.boolean().default(false),
  /** What the report tells of: the accounts of a tenant, one account, a range of sequences, both ends included. */
  tenantId: tenantId.nullable().default(null),
  accountId: z.string().min(1).max(200).nullable().default(null),
  from: z.number().int().nonnegative().nullable().default(null),
  to: z.number().int().nonnegative().nullable().default(null),
});

/** As text, which keeps every digit. */
const count = z
  .string()
  .regex(/^(0|-?[1-9]\d*)$/)
  .pipe(z.coerce.number<string>().int());

/** Null in reports of replays from before they named it, and of a row whose asset is none: nobody knows the decimals. */
const assetOfReport = asset.nullable().catch(null);

/** In minor units; `entries` is how many there are. */
const replayedBalances = z.object({
  posted: signedTotalUnits,
  held: signedTotalUnits,
  incoming: signedTotalUnits,
  entries: count,
});

/** The report of a replay that came to its end, as it is kept with its job: for ever, so what is added here is optional. */
export const replayReport = z.object({
  dryRun: z.boolean(),
  scope: z.object({
    mode,
    tenantId: z.string().nullable(),
    accountId: z.string().nullable(),
    from: z.number().int().nullable(),
    to: z.number().int().nullable(),
  }),
  events: count,
  eventTypes: z.record(z.string(), z.number().int()),
  equal: z.boolean(),
  missing: z.array(z.string()).default([]),
  switched: z.boolean(),
  generation: z.number().int(),
  replaces: z.number().int(),
  tableHashes: z.array(z.object({ table: z.string(), live: z.string().nullable(), rebuilt: z.string() })),
  tables: z.array(
    z.object({
      table: z.string(),
      live: z.number().int(),
      rebuilt: z.number().int(),
      onlyLive: z.number().int(),
      onlyRebuilt: z.number().int(),
      changed: z.number().int(),
    }),
  ),
  accounts: z.array(
    z.object({
      accountId: z.string(),
      asset: assetOfReport,
      live: replayedBalances,
      rebuilt: replayedBalances,
      delta: replayedBalances,
    }),
  ),
  accountsDiffering: z.number().int(),
  /** Debits less credits, in minor units. */
  range: z
    .array(
      z.object({
        accountId: z.string(),
        asset: assetOfReport,
        live: signedTotalUnits,
        rebuilt: signedTotalUnits,
        delta: signedTotalUnits,
      }),
    )
    .nullable(),
});

/** What a check of the ledger is asked to do. An incremental one begins where the last clean one of its book ended. */
export const checkParameters = z.strictObject({ incremental: z.boolean().default(false) });

/** An incremental check is a full one as long as none was clean. */
export const checkScope = z.enum(['full', 'incremental']);

/** The kinds of long work that the ledger does in the background, with what each is asked. */
const jobRequest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('replay'), parameters: replayParameters }),
  z.strictObject({ kind: z.literal('check'), parameters: checkParameters }),
]);
const jobKinds = ['replay', 'check'] as const;
export const jobKind = z.enum(jobKinds);

/**
 * queued → running → succeeded, failed or cancelled. `interrupted`: the process ended meanwhile, and work of this kind
 * cannot be taken up again.
 */
export const jobStatuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'interrupted'] as const;

const jobProgress = z.object({
  /** What it is doing, in a few words. Null before it begins. */
  phase: z.string().nullable(),
  /** Of the phase, in units that the phase names or implies. */
  done: z.number().int().nonnegative(),
  /** Null while nobody knows. */
  total: z.number().int().nonnegative().nullable(),
  /** Over the last seconds; null until it can be told. */
  ratePerSecond: z.number().nonnegative().nullable(),
  /** Until the end of the phase; null when it cannot be told. */
  etaSeconds: z.number().nonnegative().nullable(),
});

export const jobView = z.object({
  jobId: z.string(),
  kind: jobKind,
  mode,
  parameters: z.record(z.string(), z.unknown()),
  status: z.enum(jobStatuses),
  progress: jobProgress,
  /** What came of it, in the form of its kind. A cancelled job may have one of what it got to. */
  report: z.record(z.string(), z.unknown()).nullable(),
  /** Why it failed. */
  error: z.string().nullable(),
  requestedBy: z.string(),
  requestedAt: timestamp,
  startedAt: timestamp.nullable(),
  /** A running job stops at the next moment that it can. */
  cancelRequestedAt: timestamp.nullable(),
  finishedAt: timestamp.nullable(),
});

const jobId = z.uuid();

/** One job runs at a time; others wait in the order of their requests. Idempotent by `jobId`. */
export const startJob = defineCall({
  name: 'ledger.start-job',
  request: z.strictObject({
    jobId,
    /** Of the credential that asks. Jobs of the other mode are not shown to it. */
    mode,
    job: jobRequest,
    actor: z.string().max(200),
  }),
  response: z.object({ job: jobView, replayed: z.boolean() }),
  rejections: ['id_reused', 'jobs_exhausted'],
});

export const getJob = defineCall({
  name: 'ledger.get-job',
  request: z.strictObject({ mode, kind: jobKind, jobId }),
  response: z.object({ job: jobView }),
  rejections: ['job_not_found'],
});

/** Newest first, without their reports. */
export const listJobs = defineCall({
  name: 'ledger.list-jobs',
  request: z.strictObject({
    mode,
    kind: jobKind,
    limit: z.number().int().min(1).max(100),
    cursor: z.string().nullable(),
    /** Only checks of this scope: as the report says, or as it was asked for where there is none. */
    scope: checkScope.optional(),
  }),
  response: z.object({ jobs: z.array(jobView), nextCursor: z.string().nullable() }),
  rejections: ['cursor_invalid'],
});

/** A queued job is cancelled at once, a running one soon, one that is over not any more: `job` says which. */
export const cancelJob = defineCall({
  name: 'ledger.cancel-job',
  request: z.strictObject({ mode, kind: jobKind, jobId, actor: z.string().max(200) }),
  response: z.object({ job: jobView }),
  rejections: ['job_not_found'],
});
