/**
 * The check of the ledger: every projection table against the journal, and the invariants. It reads and changes nothing.
 * All tables are read as of one moment, and the journal is folded to exactly the place that they stand at. What could
 * not be looked at is said, and then nothing is called clean.
 */
import { mode as modes, type Mode } from '@daybook/contracts';
import { businessInvariants } from './business-invariants';
import { checkBook, type InvariantRun, type PassRun } from './check-book';
import { unexpectedRow } from './compare';
import {
  findings,
  overall,
  type CheckReport,
  type Findings,
  type Violation,
  type Watermark,
  type Watermarks,
} from './findings';
import type { Examination, Invariant } from './invariant';
import { journalInvariants } from './journal-invariants';
import { tablePasses } from './passes';
import type { CheckMoment, CheckSource } from './source';
import type { TablePass } from './table-pass';

export type CheckOptions = {
  readonly source: CheckSource;
  readonly now: Date;
  /** Seconds that an item may stand on a clearing account. */
  readonly clearingDeadlineS: number;
  readonly signal: AbortSignal;
  progress(phase: string, done: number, total: number): void;
  /** Where the last clean check ended: only what is behind it is looked at, and only what events show alone. */
  readonly since?: Watermarks | undefined;
  readonly passes?: readonly TablePass[];
  readonly examinations?: readonly Examination[];
  /** Events whose ids are remembered at once; a longer journal is read several times. */
  readonly idsMax?: number;
};

const idsMaxDefault = 1_000_000;

/** Told by the passes, and of the subscribers, not by reading the journal. */
const summaries: readonly Invariant[] = [
  {
    id: 'I4',
    rule: 'Each read model is what a replay to its checkpoint would make.',
    checked: 'Row by row, in the passes: a violation is a difference of one of them.',
    elsewhere: '',
  },
  {
    id: 'I7',
    rule: 'Each subscriber has applied exactly the events up to its place.',
    checked: 'Count and exclusive or of the ids, for every subscriber of the log.',
    elsewhere: 'Consumers of the transport keep their own offsets.',
  },
];

const invariants: readonly Invariant[] = [...journalInvariants, ...businessInvariants, ...summaries].toSorted(
  (a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)),
);

/** Aborted, it returns what it has, as incomplete. */
export async function checkLedger(options: CheckOptions): Promise<CheckReport> {
  const { source, signal, since, passes: all = tablePasses } = options;
  const incomplete: string[] = [];
  const passes = since === undefined ? all : all.flatMap(alone);
  const state = {
    passes: passes.map((pass): PassRun => ({ pass, found: findings(), rows: 0 })),
    invariants: invariants
      .filter(({ anywhere, id }) => since === undefined || anywhere || id === 'I4')
      .map((invariant): InvariantRun => ({ invariant, found: findings() })),
    watermarks: null as CheckReport['watermarks'],
  };
  const examined = since === undefined ? (options.examinations ?? []).map((one): Examined => [one, findings()]) : [];
  try {
    await source.atOneMoment(
      passes.map(({ table }) => table),
      async (moment) => void (state.watermarks = await checkMoment(options, moment, state)),
    );
  } catch (error) {
    // Whatever it was: what has not been looked at may be anything.
    incomplete.push(signal.aborted ? 'it was stopped' : `it broke off: ${(error as Error).message}`);
  }
  // Not in the transaction of the tables: they are about the journal alone, and may take long.
  for (const one of examined) await examine(one, options);
  for (const [{ examine: _examine, ...invariant }, found] of examined) state.invariants.push({ invariant, found });
  return { ...reportOf(state, incomplete), scope: since === undefined ? 'full' : 'incremental' };
}

type Examined = readonly [Examination, Findings<Violation>];

async function examine([{ id, examine: look }, found]: Examined, { signal, progress }: CheckOptions): Promise<void> {
  if (signal.aborted) return;
  progress(id, 0, 1);
  try {
    for (const violation of await look(signal)) found.add(violation);
  } catch (error) {
    found.incomplete(signal.aborted ? 'it was stopped' : `it broke off: ${(error as Error).message}`);
  }
}

/** Of a table that shows events one by one: what each of them tells. */
function alone(pass: TablePass): readonly TablePass[] {
  if (pass.kind !== 'log') return [];
  return [{ ...pass, columns: pass.columns.filter((column) => pass.folded?.includes(column) !== true) }];
}

type State = {
  readonly passes: readonly PassRun[];
  readonly invariants: readonly InvariantRun[];
  readonly watermarks: CheckReport['watermarks'];
};

async function checkMoment(options: CheckOptions, moment: CheckMoment, { passes, invariants: all }: State) {
  const { source, since, now, clearingDeadlineS, signal, progress, idsMax = idsMaxDefault } = options;
  const readable: PassRun[] = [];
  for (const run of passes) if (await isReadable(run, moment, since !== undefined)) readable.push(run);
  const books = new Map<Mode, Watermark>();
  for (const mode of modes.options) {
    const run = { mode, source, moment, passes: readable, invariants: all, now, clearingDeadlineS, idsMax, signal };
    const from = since?.[mode] ?? null;
    if (from !== null && from.tables > moment.tables[mode])
      throw new Error(`book ${mode} had ${from.tables} events in its tables, and has ${moment.tables[mode]}`);
    books.set(mode, await checkBook({ ...run, since: from, progress }));
  }
  progress('what belongs to no book', 0, 1);
  for (const { pass, found } of readable) {
    for (const row of await moment.stray(pass.table)) unexpectedRow(pass, row['mode'] ?? '', row, found);
  }
  const found = (id: string) => all.find(({ invariant }) => invariant.id === id)!.found;
  const watermarks = { sandbox: books.get('sandbox')!, live: books.get('live')! };
  if (since !== undefined) return watermarks;
  progress('subscribers', 0, 1);
  for (const { name, applied, log, agrees, suspect } of await moment.subscribers(signal)) {
    if (agrees) continue;
    const said = ({ count, hash }: typeof log) => `${count} events, ${hash}`;
    const about = suspect === undefined ? '' : `; it is event ${suspect}`;
    found('I7').add({ mode: null, sequence: null, where: name, expected: said(log), actual: said(applied) + about });
  }
  return watermarks;
}

/** A table that is not there, or a column that nobody compares, is not clean. */
async function isReadable({ pass, found }: PassRun, moment: CheckMoment, partial: boolean): Promise<boolean> {
  const columns = await moment.columns(pass.table);
  if (columns === undefined) {
    found.incomplete(`there is no table ${pass.table}`);
    return false;
  }
  const missing = pass.columns.filter((column) => !columns.includes(column));
  const unknown = columns.filter((column) => !pass.columns.includes(column));
  if (missing.length > 0) found.incomplete(`${pass.table} has no column ${missing.join(', ')}`);
  if (unknown.length > 0 && !partial) found.incomplete(`the pass does not compare ${pass.table}.${unknown.join(', ')}`);
  return missing.length === 0;
}

function reportOf(
  { passes, invariants: all, watermarks }: State,
  incomplete: readonly string[],
): Omit<CheckReport, 'scope'> {
  const differences = passes.reduce((sum, { found }) => sum + found.count, 0);
  const passReports = passes.map(({ pass: { table }, found, rows }) => {
    for (const reason of incomplete) found.incomplete(reason);
    const { status, count, listed, reasons } = found;
    return { table, status, rows, differences: count, listed, incomplete: reasons };
  });
  const unclear = passReports
    .filter(({ status }) => status === 'INCOMPLETE')
    .map(({ table }) => `${table} is incomplete`);
  const invariantReports = all.map(({ invariant: { id, rule, checked, elsewhere }, found }) => {
    for (const reason of [...incomplete, ...(id === 'I4' ? unclear : [])]) found.incomplete(reason);
    const violations = id === 'I4' ? differences : found.count;
    const status = id === 'I4' && differences > 0 ? ('DIFFERENCES' as const) : found.status;
    return { id, rule, status, violations, listed: found.listed, incomplete: found.reasons, checked, elsewhere };
  });
  return {
    status: overall([...passReports, ...invariantReports].map(({ status }) => status)),
    passes: passReports,
    invariants: invariantReports,
    watermarks,
    incomplete,
  };
}
