import { z } from 'zod';
import type { Api, Query } from '../api';
import { modes, type Mode } from '../connection';
import { CliError, exitCodes, type ExitCode } from '../exit-codes';
import { printable, renderTable, type Column } from '../table';
import { asking, printJson, type Context, type Register } from './context';
import { payoutsNow } from './payouts';

export const registerStatus: Register = (program, terminal, finish) => {
  asking(
    program.command('status').description('services, books, readers of the journal, parked messages, last check'),
    terminal,
    finish,
    status,
  );
};

const service = z.looseObject({
  name: z.string(),
  ready: z.boolean(),
  readers: z.array(z.looseObject({ name: z.string(), waits_s: z.number() })).nullable(),
});
const book = z.looseObject({
  mode: z.string(),
  events: z.number(),
  last_checkpoint: z.looseObject({ size: z.number(), signed_at: z.string() }).nullable(),
  // Not told by gateways of earlier releases.
  signing_late_s: z.number().nullable().default(null),
});
const reader = z.looseObject({ name: z.string(), applied: z.number(), lag: z.number(), moved_at: z.string() });
const statusNow = z.looseObject({
  services: z.array(service),
  books: z.array(book).nullable(),
  readers: z.array(reader).nullable(),
  oldest_writer: z.looseObject({ application: z.string(), database: z.string(), age_s: z.number() }).nullable(),
  parked_keys: z.number().nullable(),
});

const chain = z.looseObject({ chain: z.string(), lag_blocks: z.number().nullable(), error: z.string().nullable() });
const chainsNow = z.looseObject({ chains: z.array(chain) });

const listedJob = z.looseObject({ id: z.string(), finished_at: z.string().nullable() });
const jobList = z.looseObject({ jobs: z.array(listedJob) });
const overJob = listedJob.extend({ status: z.string(), report: z.record(z.string(), z.unknown()).nullable() });

type Status = z.output<typeof statusNow> & {
  readonly chains: z.output<typeof chainsNow>['chains'] | null;
  readonly payouts: readonly Payouts[];
  readonly last_checks: readonly LastJob[];
  readonly last_full_checks: readonly LastJob[];
  readonly last_replays: readonly LastJob[];
};

/** Of the mode of a credential. `stopped` is null when it is not known. */
type Payouts = {
  readonly mode: Mode | null;
  readonly stopped: boolean | null;
  readonly reasons: readonly string[];
};

/** Jobs are listed by the mode of the credential, though each looks at both books. */
type LastJob = {
  /** Null of a token that was given. */
  readonly mode: Mode | null;
  /** What came of the last one that is over; `never` when none is, null when it is not known. */
  readonly outcome: string | null;
  readonly scope: string | null;
  readonly at: string | null;
  readonly id: string | null;
  /** One that waits or runs. */
  readonly open_id: string | null;
};

async function status({ api, operators, terminal, json }: Context): Promise<ExitCode> {
  const ofEach = <Found>(look: (own: Api, mode: Mode | null) => Promise<Found>) =>
    Promise.all(operators.map(({ mode, api: own }) => look(own, mode)));
  const [now, chains, payouts, checks, replays] = await Promise.all([
    api.get('/v1/ops/status', statusNow),
    orUnknown(api.get('/v1/ops/chains', chainsNow)),
    ofEach(payoutsOf),
    ofEach(lastChecks),
    ofEach((own, mode) => lastJob(own, '/v1/ops/replays', mode)),
  ]);
  const whole: Status = {
    ...now,
    chains: chains?.chains ?? null,
    payouts,
    last_checks: checks.map(({ last }) => last),
    last_full_checks: checks.map(({ lastFull }) => lastFull),
    last_replays: replays,
  };
  const problems = problemsOf(whole);
  if (json) printJson(terminal, { ...whole, problems });
  else terminal.out(render(whole, problems));
  if (problems.length > 0) return exitCodes.negative;
  return isKnown(whole) ? exitCodes.ok : exitCodes.incomplete;
}

async function payoutsOf(api: Api, mode: Mode | null): Promise<Payouts> {
  const now = await orUnknown(api.get('/v1/ops/payouts', payoutsNow));
  return { mode, stopped: now?.stopped ?? null, reasons: now?.stops.map(({ reason }) => reason) ?? [] };
}

/** More than the jobs that the ledger lets wait and run. */
const recentJobs = 25;

type LastChecks = { readonly last: LastJob; readonly lastFull: LastJob };

/** An incremental check does not see again what a full one found: that stands until a full one says otherwise. */
async function lastChecks(api: Api, mode: Mode | null): Promise<LastChecks> {
  const path = '/v1/ops/checks';
  const last = await lastJob(api, path, mode);
  const isFull = last.scope === 'full' || last.outcome === 'never';
  return { last, lastFull: isFull ? last : await lastJob(api, path, mode, { scope: 'full' }) };
}

async function lastJob(api: Api, path: string, mode: Mode | null, filter: Query = {}): Promise<LastJob> {
  const nothing = { mode, outcome: null, scope: null, at: null, id: null, open_id: null };
  const last = await orUnknown(
    (async () => {
      const { jobs } = await api.get(path, jobList, { limit: recentJobs, ...filter });
      const open = jobs.find(({ finished_at: at }) => at === null);
      const over = jobs.find(({ finished_at: at }) => at !== null);
      const known = { ...nothing, open_id: open?.id ?? null };
      if (over === undefined) return { ...known, outcome: 'never' };
      // Lists carry no reports, and a check that found differences is a job that succeeded.
      const job = await api.get(`${path}/${encodeURIComponent(over.id)}`, overJob);
      return { ...known, ...outcomeOf(job), at: job.finished_at, id: job.id };
    })(),
  );
  return last ?? nothing;
}

function outcomeOf({ status: ended, report }: z.output<typeof overJob>): Pick<LastJob, 'outcome' | 'scope'> {
  const { status: found, scope = null, equal } = report ?? {};
  if (ended !== 'succeeded') return { outcome: ended, scope: null };
  if (typeof equal === 'boolean') return { outcome: equal ? 'equal' : 'differences', scope: null };
  return {
    outcome: typeof found === 'string' ? found.toLowerCase() : null,
    scope: typeof scope === 'string' ? scope : null,
  };
}

/** Null when Daybook does not tell; the table of services says why, as a rule. */
async function orUnknown<Answer>(asked: Promise<Answer>): Promise<Answer | null> {
  return asked.catch((error: unknown) => {
    if (error instanceof CliError) return null;
    throw error;
  });
}

function problemsOf(whole: Status): readonly string[] {
  const { services, books, oldest_writer: writer, parked_keys: parked, payouts, last_checks: checks } = whole;
  const isThere = (mode: Mode) => books?.some((one) => one.mode === mode) === true;
  return [
    ...services.filter(({ ready }) => !ready).map(({ name }) => `${name} is not ready`),
    ...services.flatMap(({ name, readers }) =>
      (readers ?? []).filter(isStuck).map((each) => describeStuck(name, each)),
    ),
    ...(writer !== null && writer.age_s >= stuckS ? [describeWriter(writer)] : []),
    ...modes.filter((mode) => !isThere(mode)).map((mode) => `the ${mode} book is not there`),
    ...(books ?? []).flatMap(({ mode, signing_late_s: late }) =>
      late !== null && late >= stuckS ? [describeUnsigned(mode, late)] : [],
    ),
    ...(parked === null || parked === 0 ? [] : [`messages of ${parked} keys are parked`]),
    ...payouts
      .filter(({ stopped }) => stopped)
      .map((each) => `payouts${ofMode(each)} are stopped: ${each.reasons.join('; ')}`),
    ...checks.filter(isBad).map((check) => `last check${ofMode(check)}: ${check.outcome}`),
    ...otherFullChecks(whole)
      .filter(isBad)
      .map((check) => `last full check${ofMode(check)}: ${check.outcome}`),
  ];
}

type WaitingReader = NonNullable<z.output<typeof service>['readers']>[number];

/** A reader moves with every batch, also through a backlog. */
const stuckS = 60;

const isStuck = ({ waits_s: waitsS }: WaitingReader) => waitsS >= stuckS;

const describeStuck = (of: string, { name, waits_s: waitsS }: WaitingReader) =>
  `${name} of ${of} has an event to apply, and has not moved for ${Math.floor(waitsS)} s`;

const describeWriter = (writer: NonNullable<z.output<typeof statusNow>['oldest_writer']>) =>
  `a transaction of ${writer.application} in ${writer.database} holds all readers back, for ${Math.floor(writer.age_s)} s`;

const describeUnsigned = (mode: string, lateS: number) =>
  `an event of the ${mode} book should have been signed ${Math.floor(lateS)} s ago`;

/** Those that are not the last check themselves. */
function otherFullChecks({ last_checks: checks, last_full_checks: fullChecks }: Status): readonly LastJob[] {
  return fullChecks.filter(({ id }, index) => id !== checks[index]!.id);
}

const isBad = ({ outcome }: LastJob) => outcome !== null && !['clean', 'never'].includes(outcome);

function isKnown({
  chains,
  parked_keys: parked,
  payouts,
  last_checks: checks,
  last_full_checks: fullChecks,
  last_replays: replays,
}: Status): boolean {
  if (payouts.some(({ stopped }) => stopped === null)) return false;
  const jobs = [...checks, ...fullChecks, ...replays];
  return chains !== null && parked !== null && jobs.every(({ outcome }) => outcome !== null);
}

function render(whole: Status, problems: readonly string[]): string {
  const { services, readers, chains, parked_keys: parked } = whole;
  return [
    renderTable(serviceColumns, services),
    renderTable(
      bookColumns,
      modes.map((mode) => whole.books?.find((one) => one.mode === mode) ?? { mode }),
    ),
    readers === null ? 'readers of the journal  unknown\n' : renderTable(readerColumns, readers),
    chains === null ? 'chains  unknown\n' : renderTable(chainColumns, chains),
    [
      `parked keys  ${parked ?? 'unknown'}`,
      ...whole.payouts.map((each) => `payouts${ofMode(each)}: ${describePayouts(each)}`),
      ...whole.last_checks.map((check) => `last check${ofMode(check)}: ${describeLast(check)}`),
      ...otherFullChecks(whole).map((check) => `last full check${ofMode(check)}: ${describeLast(check)}`),
      ...whole.last_replays.map((replay) => `last replay${ofMode(replay)}: ${describeLast(replay)}`),
      ...problems.map((problem) => `PROBLEM: ${printable(problem)}`),
    ]
      .map((line) => `${line}\n`)
      .join(''),
  ].join('\n');
}

const ofMode = ({ mode }: Pick<LastJob, 'mode'>) => ` of ${mode ?? "the token's mode"}`;

function describePayouts({ stopped }: Payouts): string {
  if (stopped === null) return 'unknown';
  return stopped ? 'stopped' : 'leave';
}

function describeLast({ outcome, scope, at, id, open_id: open }: LastJob): string {
  if (outcome === null) return 'unknown';
  const ended = outcome === 'never' ? outcome : `${outcome}${scope === null ? '' : ` (${scope})`} at ${at} (${id})`;
  return printable(open === null ? ended : `${ended}; not over yet: ${open}`);
}

const serviceColumns: readonly Column<z.output<typeof service>>[] = [
  { title: 'SERVICE', of: ({ name }) => name },
  { title: 'READY', of: ({ ready }) => (ready ? 'yes' : 'no') },
  { title: 'WAITS S', right: true, of: ({ readers }) => readers && Math.floor(longestWaitS(readers)) },
];

const longestWaitS = (readers: readonly WaitingReader[]) =>
  Math.max(0, ...readers.map(({ waits_s: waitsS }) => waitsS));

/** One that is not there has its mode alone. */
type ShownBook = Pick<z.output<typeof book>, 'mode'> & Partial<z.output<typeof book>>;

const bookColumns: readonly Column<ShownBook>[] = [
  { title: 'BOOK', of: ({ mode }) => mode },
  { title: 'EVENTS', right: true, of: ({ events }) => events },
  { title: 'SIGNED', right: true, of: ({ last_checkpoint: last }) => (last === null ? 0 : last?.size) },
  { title: 'LAST CHECKPOINT', of: ({ last_checkpoint: last }) => last?.signed_at },
];

const readerColumns: readonly Column<z.output<typeof reader>>[] = [
  { title: 'READER OF THE JOURNAL', of: ({ name }) => name },
  { title: 'APPLIED', right: true, of: ({ applied }) => applied },
  { title: 'LAG', right: true, of: ({ lag }) => lag },
  { title: 'MOVED', of: ({ moved_at: movedAt }) => movedAt },
];

const chainColumns: readonly Column<z.output<typeof chain>>[] = [
  { title: 'CHAIN', of: ({ chain: name }) => name },
  { title: 'LAG', right: true, of: ({ lag_blocks: lag }) => lag },
  { title: 'ERROR', of: ({ error }) => error },
];
