/**
 * One book of a check: the journal is read from its first event, folded again, and held against the tables where they
 * stand. What has to be remembered of every id is looked at in parts, one reading of the journal for each, so that
 * memory stays bounded.
 */
import type { Mode } from '@daybook/contracts';
import { sha256Hex } from '@daybook/runtime';
import { genesisHash } from '../../adapters/stored-events';
import { streamOf } from '../books';
import { compareRow, compareRows, keyOf, unexpectedRow } from './compare';
import type { CheckedRow, Difference, Findings, Violation, Watermark } from './findings';
import { partOf } from './parts';
import type { BookContext, Invariant } from './invariant';
import { readBook, type Observer, type Unread } from './read-book';
import { refold, type Refold } from './refold';
import type { CheckMoment, CheckSource } from './source';
import type { LogPass, PassContext, StatePass, TablePass } from './table-pass';

export type PassRun<Pass extends TablePass = TablePass> = {
  readonly pass: Pass;
  readonly found: Findings<Difference>;
  /** Rows that the journal says there are. */
  rows: number;
};
export type InvariantRun = { readonly invariant: Invariant; readonly found: Findings<Violation> };

export type BookRun = {
  readonly mode: Mode;
  readonly source: CheckSource;
  readonly moment: CheckMoment;
  readonly passes: readonly PassRun[];
  readonly invariants: readonly InvariantRun[];
  readonly now: Date;
  readonly clearingDeadlineS: number;
  /** Events whose ids are remembered at once. */
  readonly idsMax: number;
  readonly signal: AbortSignal;
  progress(phase: string, done: number, total: number): void;
};

export async function checkBook(run: BookRun): Promise<Watermark> {
  const { mode, moment, source, signal, invariants, idsMax } = run;
  const [tables, journal] = [moment.tables[mode], moment.journal[mode]];
  const fold = refold(problemsOf(run));
  const parts = Math.max(1, Math.ceil(journal / idsMax));
  const head = headOf();

  const read = async (part: number, observers: readonly Observer[]) => {
    const phase = parts === 1 ? `book ${mode}` : `book ${mode}, part ${part + 1} of ${parts}`;
    const unread = await readBook(
      {
        source,
        mode,
        tables,
        journal,
        signal,
        progress: (done) => run.progress(phase, done, journal),
        // Only the first reading folds: the others look at ids.
        stepOf: part === 0 ? fold.apply : (event, place) => ({ event, ...place, entries: [] }),
      },
      [...observers, ...idObservers(run, fold, (id) => partOf(id, parts) === part)],
    );
    if (unread !== undefined) giveUp(run, unread);
  };
  await read(0, [
    head,
    ...invariants.flatMap(({ invariant, found }) => invariant.book?.(contextOf(run, fold, found)) ?? []),
    ...run.passes.flatMap((pass) => (isLog(pass) ? logObserver(run, fold, pass) : [])),
    ...run.passes.flatMap((pass) =>
      isState(pass) && pass.pass.partition === null ? stateObserver(run, fold, pass) : [],
    ),
  ]);
  for (let part = 1; part < parts; part++) await read(part, []);
  return { tables, journal, head: head.hash() };
}

const isLog = (run: PassRun): run is PassRun<LogPass> => run.pass.kind === 'log';
const isState = (run: PassRun): run is PassRun<StatePass> => run.pass.kind === 'state';

/** What is wrong with the fold itself is wrong with the balances. */
function problemsOf({ mode, invariants }: BookRun): Parameters<typeof refold>[0] {
  const balances = invariants.find(({ invariant }) => invariant.id === 'I2');
  return (sequence, where, expected, actual) => balances?.found.add({ mode, sequence, where, expected, actual });
}

function contextOf(run: BookRun, { accounts }: Refold, found: Findings<Violation>): BookContext {
  const { mode, now, clearingDeadlineS } = run;
  return {
    mode,
    stream: streamOf(mode),
    now,
    clearingDeadlineS,
    accounts,
    violate: (sequence, where, expected, actual) => found.add({ mode, sequence, where, expected, actual }),
  };
}

/** Nobody knows what the rest of the book holds. */
function giveUp({ passes, invariants }: BookRun, { reason }: NonNullable<Unread>): void {
  for (const { found } of passes) found.incomplete(reason);
  for (const { invariant, found } of invariants) if (invariant.book ?? invariant.ids) found.incomplete(reason);
}

function headOf(): Observer & { hash(): string } {
  let last: Buffer | undefined;
  return {
    stored: ({ payload }) => void (last = payload),
    hash: () => (last === undefined ? genesisHash : sha256Hex(last)),
  };
}

/** Rows that are written once are compared while the journal goes by. */
function logObserver({ mode, moment, signal }: BookRun, { accounts }: Refold, run: PassRun<LogPass>): Observer {
  const { pass, found } = run;
  const context: PassContext = { mode, accounts };
  const tables = moment.tables[mode];
  let expected: CheckedRow[] = [];
  return {
    step(step) {
      if (step.sequence < tables) expected.push(...pass.rows(step, context));
    },
    async upTo(from, to) {
      signal.throwIfAborted();
      const actual = await moment.between(pass.table, mode, from, to);
      compareRows(pass, mode, { expected, actual }, found);
      run.rows += expected.length;
      expected = [];
    },
    async atTables() {
      for (const row of await moment.beyond(pass.table, mode, tables)) unexpectedRow(pass, mode, row, found);
    },
  };
}

function stateObserver(
  run: BookRun,
  { accounts }: Refold,
  of: PassRun<StatePass>,
  mine = (_id: string) => true,
): Observer {
  const { mode, moment, signal } = run;
  const { pass, found } = of;
  const { partition } = pass;
  const fold = pass.begin({ mode, accounts });
  const tables = moment.tables[mode];
  return {
    step(step) {
      if (step.sequence < tables) fold.step(step, mine);
    },
    async atTables() {
      const left = new Map<string, CheckedRow>();
      for (const row of fold.rows()) left.set(keyOf(pass, row), row);
      of.rows += left.size;
      for await (const rows of moment.all(pass.table, mode)) {
        signal.throwIfAborted();
        for (const row of rows) {
          if (partition !== null && !mine(row[partition] ?? '')) continue;
          const key = keyOf(pass, row);
          const expected = left.get(key);
          if (expected === undefined) unexpectedRow(pass, mode, row, found);
          else compareRow(pass, mode, expected, row, found);
          left.delete(key);
        }
      }
      for (const row of left.values()) compareRow(pass, mode, row, undefined, found);
    },
  };
}

function idObservers(run: BookRun, fold: Refold, mine: (id: string) => boolean): Observer[] {
  const readers = run.invariants.flatMap(({ invariant, found }) => invariant.ids?.(contextOf(run, fold, found)) ?? []);
  return [
    ...readers.map((reader): Observer => ({
      stored: (event, sequence) => reader.stored?.(event, sequence, mine),
      step: (step) => reader.step?.(step, mine),
    })),
    ...run.passes.flatMap((pass) =>
      isState(pass) && pass.pass.partition !== null ? stateObserver(run, fold, pass, mine) : [],
    ),
  ];
}
