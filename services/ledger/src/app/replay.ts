/**
 * Replays the journal into the ledger's read models: a new generation of tables is built beside the live one from the
 * first event on, compared with it at one and the same place, and then shown in its stead.
 *
 *   dry run (the default)   takes away what it built; tells events by type, rows by table, and by account what would change
 *   replay                  switches when both are equal, or whatever the difference when that is asked for
 *
 * Nothing else than tables can come of it: handlers are pure and have nothing to call. What is told of events to others
 * (messages, and the webhooks that follow them) has its own place in the journal, and that does not move.
 */
import { replayParameters, type Mode } from '@daybook/contracts';
import type { BuildOptions, BuildReport, ComparedSchemas, Generations, StoredEvent } from '@daybook/event-store';
import { streamOf } from './books';
import { JobCancelled, jobKind, type JobKind, type JobReport } from './job';

/** What is told of; null for all. Whatever it is, the tables are built from the first event on. */
export type ReplayScope = {
  readonly mode: Mode;
  readonly tenantId: string | null;
  readonly accountId: string | null;
  /** Sequences in the book, both included. */
  readonly from: number | null;
  readonly to: number | null;
};

/** Rows of a table in the scope. `changed`: in both, and not the same. */
export type TableCounts = {
  readonly table: string;
  readonly live: number;
  readonly rebuilt: number;
  readonly onlyLive: number;
  readonly onlyRebuilt: number;
  readonly changed: number;
};

/** Minor units; `entries` is how many there are. */
export type AccountBalances = {
  readonly posted: bigint;
  readonly held: bigint;
  readonly incoming: bigint;
  readonly entries: bigint;
};
export type AccountDifference = {
  readonly accountId: string;
  /** Code of the asset, as the rebuilt table has it; the live one's where only that has the account. */
  readonly asset: string;
  readonly live: AccountBalances;
  readonly rebuilt: AccountBalances;
  /** What the replay adds. */
  readonly delta: AccountBalances;
};

/** Debits less credits of an account's entries between two sequences, in minor units. */
export type RangeDifference = {
  readonly accountId: string;
  readonly asset: string;
  readonly live: bigint;
  readonly rebuilt: bigint;
  readonly delta: bigint;
};

export type ReplayDifferences = {
  readonly tables: readonly TableCounts[];
  /** The first of those whose balances differ. */
  readonly accounts: readonly AccountDifference[];
  readonly accountsDiffering: number;
  /** Accounts with entries in the range, those that differ first; null when no range was asked for. */
  readonly range: readonly RangeDifference[] | null;
};

type Snapshot = Parameters<NonNullable<BuildOptions['inspect']>>[0];

export type ReplayDeps = {
  readonly generations: Pick<Generations, 'rebuild'>;
  readonly differences: (
    snapshot: Snapshot,
    schemas: ComparedSchemas,
    scope: ReplayScope,
  ) => Promise<ReplayDifferences>;
};

export type ReplayOptions = {
  readonly scope: ReplayScope;
  readonly dryRun: boolean;
  /** Switch also to tables that differ from the live ones: it is what repairs them. */
  readonly acceptDifferences: boolean;
  readonly signal: AbortSignal;
  /** Whether a build that the signal ends is there to go on with. */
  keepWhenAborted?(): boolean;
  progress?(step: { readonly phase: string; readonly done: number; readonly total: number | null }): void;
};

export type ReplayReport = ReplayDifferences & {
  readonly dryRun: boolean;
  readonly scope: ReplayScope;
  /** Of all books, up to the place of the comparison. */
  readonly events: bigint;
  /** Of the scope's book and range, as far as this run applied them. */
  readonly eventTypes: Readonly<Record<string, number>>;
  /** Whether every table is the same, byte for byte, whatever the scope. */
  readonly equal: boolean;
  /** What the live generation has lost, a sentence each; it differs whatever the scope. */
  readonly missing: readonly string[];
  /** Null of a table that is missing. */
  readonly tableHashes: readonly { readonly table: string; readonly live: string | null; readonly rebuilt: string }[];
  readonly switched: boolean;
  readonly generation: number;
  readonly replaces: number;
};

/** Throws the signal's reason, and OperationalError `store_unavailable` while another build is running. */
export async function replay({ generations, differences }: ReplayDeps, options: ReplayOptions): Promise<ReplayReport> {
  const { scope, dryRun, acceptDifferences, signal, keepWhenAborted, progress } = options;
  const counts = eventCounts(scope);
  const built = await generations.rebuild<ReplayDifferences>({
    signal,
    switch: dryRun ? 'never' : acceptDifferences ? 'always' : 'when equal',
    // So that all of its events are counted.
    fresh: dryRun,
    ...(dryRun ? { keepWhenAborted: () => false } : keepWhenAborted && { keepWhenAborted }),
    ...(progress && { progress }),
    observe: counts.add,
    inspect: (snapshot, schemas) => differences(snapshot, schemas, scope),
  });
  return reportOf(options, built, counts.byType());
}

function reportOf(
  { scope, dryRun }: ReplayOptions,
  { found, compared, generation, replaces, events, switched }: BuildReport<ReplayDifferences>,
  eventTypes: Readonly<Record<string, number>>,
): ReplayReport {
  return {
    dryRun,
    scope,
    events,
    eventTypes,
    equal: found !== undefined && compared.length > 0 && compared.every(({ equal }) => equal),
    missing: compared
      .filter(({ live }) => live === null)
      .map(({ table }) => `table ${table} of generation ${replaces} does not exist`),
    switched,
    generation,
    replaces,
    tableHashes: compared.map(({ table, live, rebuilt }) => ({
      table,
      live: live?.hash ?? null,
      rebuilt: rebuilt.hash,
    })),
    tables: found?.tables ?? [],
    accounts: found?.accounts ?? [],
    accountsDiffering: found?.accountsDiffering ?? 0,
    range: found?.range ?? null,
  };
}

function eventCounts({ mode, from, to }: ReplayScope) {
  const stream = streamOf(mode);
  const [first, last] = [BigInt(from ?? 0), BigInt(to ?? Number.MAX_SAFE_INTEGER)];
  const counts = new Map<string, number>();
  return {
    add(events: readonly StoredEvent[]) {
      for (const { stream: of, revision, type } of events) {
        if (of === stream && revision >= first && revision <= last) counts.set(type, (counts.get(type) ?? 0) + 1);
      }
    },
    byType: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** For `/v1/ops/replays`. Of the mode of whoever asked; the tables are the same for all. */
export function replayJob(deps: ReplayDeps): JobKind {
  return jobKind({
    kind: 'replay',
    parameters: replayParameters,
    resumable: true,
    async run({ mode, parameters, signal, progress }) {
      const { dryRun, acceptDifferences, tenantId, accountId, from, to } = parameters;
      const report = await replay(deps, {
        scope: { mode, tenantId, accountId, from, to },
        dryRun,
        acceptDifferences,
        signal,
        // The process may end and another go on; a cancelled build is not wanted any more.
        keepWhenAborted: () => !(signal.reason instanceof JobCancelled),
        progress,
      });
      return asJson(report);
    },
  });
}

/** In the form of the contract's `replayReport`: amounts and large counts as digits. */
function asJson(report: ReplayReport): JobReport {
  const text = JSON.stringify(report, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  return JSON.parse(text) as JobReport;
}
