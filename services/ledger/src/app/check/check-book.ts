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
import type { BookContext, Invariant } from './invariant';
import { readBook, type Observer, type Unread } from './read-book';
import { refold, unfolded, type Refold } from './refold';
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
  /** Where a clean check ended, to go on from; null for the begin of the book. */
  readonly since: Watermark | null;
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
  const { mode, moment, since, source, signal, idsMax } = run;
  const [tables, journal] = [moment.tables[mode], moment.journal[mode]];
  const parts = since === null ? Math.max(1, Math.ceil(journal / idsMax)) : 1;
  const head = headOf(since, tables);

  for (let part = 0; part < parts; part++) {
    const first = part === 0;
    // What is wrong with the fold is said once.
    const fold = refold(first ? problemsOf(run) : () => undefined);
    const unread = await readBook(
      {
        source,
        mode,
        from: since?.tables ?? 0,
        tables,
        journal,
        signal,
        progress: (done) =>
          run.progress(parts === 1 ? `book ${mode}` : `book ${mode}, ${part + 1} of ${parts}`, done, journal),
        stepOf: since === null ? fold.apply : unfolded,
      },
      [
        ...(first ? [head, ...bookObservers(run, fold)] : []),
        ...(since === null ? idObservers(run, fold, (id) => partOf(id, parts) === part) : []),
      ],
    );
    if (unread !== undefined) giveUp(run, unread);
  }
  return { tables, journal, head: head.hash() };
}

const isLog = (run: PassRun): run is PassRun<LogPass> => run.pass.kind === 'log';
const isState = (run: PassRun): run is PassRun<StatePass> => run.pass.kind === 'state';

function bookObservers(run: BookRun, fold: Refold): Observer[] {
  return [
    ...run.invariants.flatMap(({ invariant, found }) => invariant.book?.(contextOf(run, fold, found)) ?? []),
    ...run.passes.flatMap((pass) => {
      if (isLog(pass)) return logObserver(run, fold, pass);
      return isState(pass) && pass.pass.partition === null ? stateObserver(run, fold, pass) : [];
    }),
  ];
}

/** What is wrong with the fold itself is wrong with the balances. */
function problemsOf({ mode, invariants }: BookRun): Parameters<typeof refold>[0] {
  const balances = invariants.find(({ invariant }) => invariant.id === 'I2');
  return (sequence, where, expected, actual) => balances?.found.add({ mode, sequence, where, expected, actual });
}

function contextOf(run: BookRun, { accounts }: Refold, found: Findings<Violation>): BookContext {
  const { mode, since, now, clearingDeadlineS } = run;
  return {
    mode,
    stream: streamOf(mode),
    now,
    clearingDeadlineS,
    accounts,
    from: since?.tables ?? 0,
    head: since?.head ?? genesisHash,
    violate: (sequence, where, expected, actual) => found.add({ mode, sequence, where, expected, actual }),
  };
}

/** Nobody knows what the rest of the book holds. */
function giveUp({ passes, invariants }: BookRun, { reason }: NonNullable<Unread>): void {
  for (const { found } of passes) found.incomplete(reason);
  for (const { invariant, found } of invariants) if (invariant.book ?? invariant.ids) found.incomplete(reason);
}

function headOf(since: Watermark | null, tables: number): Observer & { hash(): string } {
  let last: Buffer | undefined;
  return {
    stored({ payload }, sequence) {
      if (sequence < tables) last = payload;
    },
    hash: () => (last === undefined ? (since?.head ?? genesisHash) : sha256Hex(last)),
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

/** Tells which of `parts` an id belongs to, the same in every pass over the journal (FNV-1a). */
function partOf(id: string, parts: number): number {
  if (parts === 1) return 0;
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % parts;
}
