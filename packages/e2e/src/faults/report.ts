/** What is said of the runs: a line of JSON for each, and at the end a table for people. */
import { faultKinds, idleLinks, type FaultKind, type OperationKind } from './plan';
import type { RunResult, Tally } from './run';

export type Failed = { readonly seed: number; readonly firstSeed: number; readonly violations: readonly string[] };

export function jsonLineOf(result: RunResult | Failed): string {
  return JSON.stringify(result);
}

/** For people who watch. */
export function lineOf(result: RunResult | Failed): string {
  const { seed, violations } = result;
  const faults = 'faults' in result ? result.faults.map(({ kind, target }) => `${kind} ${target}`).join(', ') : '';
  if (violations.length === 0) return `seed ${seed}: ${faults}: holds`;
  return `seed ${seed}: ${faults}: ${violations.length} violations\n  again: ${againOf(result)}`;
}

/** How to have the same run again: by itself, or after those that were on its system before. */
function againOf({ seed, firstSeed }: RunResult | Failed): string {
  const alone = `npm run test:faults -- --seed ${seed} --runs 1`;
  return seed === firstSeed ? alone : `${alone}, or with --seed ${firstSeed} --runs ${seed - firstSeed + 1}`;
}

const columns = ['asked', 'ok', 'failed', 'unknown', 'resolved', 'notSent'] as const satisfies readonly (keyof Tally)[];

type Results = readonly (RunResult | Failed)[];

const wholeOf = (results: Results) => results.filter((result): result is RunResult => 'operations' in result);

function injectedOf(results: Results, kind: FaultKind) {
  const injected = wholeOf(results).flatMap(({ faults }) => faults.filter((each) => each.kind === kind));
  const felt = injected.filter((each) => each.felt > 0);
  const expected = injected.filter(({ target }) => !idleLinks.includes(target));
  return { injected: injected.length, felt: felt.length, expected: expected.length };
}

/** Kinds of faults that met nothing in any run, and should have: nothing was tried by them. */
export function neverFelt(results: Results): readonly FaultKind[] {
  return faultKinds.filter((kind) => {
    const { expected, felt } = injectedOf(results, kind);
    return expected > 0 && felt === 0;
  });
}

/** Of the kinds of faults, those that are not available are said to be left out. */
export function summaryOf(results: Results, available: readonly FaultKind[]): string {
  const whole = wholeOf(results);
  const operations = new Map<OperationKind | 'all', Tally>();
  for (const result of whole) {
    for (const [kind, tally] of Object.entries(result.operations) as [OperationKind, Tally][]) {
      for (const row of [kind, 'all'] as const) operations.set(row, sumOf(operations.get(row), tally));
    }
  }
  const rows = [...operations].sort(([a], [b]) => Number(a === 'all') - Number(b === 'all'));
  const violations = results.flatMap((result) => result.violations);
  const counted = (pattern: RegExp) => violations.filter((each) => pattern.test(each)).length;
  const endings = whole.flatMap((result) => result.endings);
  return [
    tableOf(
      ['fault', 'injected', 'felt'],
      faultKinds.map((kind) => {
        if (!available.includes(kind)) return [kind, 'left out', ''];
        const { injected, felt } = injectedOf(results, kind);
        return [kind, String(injected), String(felt)];
      }),
    ),
    '',
    tableOf(
      ['operation', ...columns.map((name) => (name === 'notSent' ? 'not sent' : name))],
      rows.map(([kind, tally]) => [kind, ...columns.map((name) => String(tally[name]))]),
    ),
    '',
    `runs ${results.length}, services that ended by themselves ${endings.length}`,
    ...[...new Set(endings)].map((each) => `  ${endings.filter((one) => one === each).length} ${each}`),
    ...neverFelt(results).map((kind) => `never felt: ${kind} was injected, and nothing met it`),
    `lost ${counted(/^lost/)}, doubled ${counted(/^doubled/)}, unresolved ${counted(/^unresolved/)}, violations ${violations.length}`,
    ...results.filter(({ violations: found }) => found.length > 0).flatMap(describeFailed),
  ].join('\n');
}

function describeFailed(failed: RunResult | Failed): readonly string[] {
  return ['', `seed ${failed.seed}: ${againOf(failed)}`, ...failed.violations.map((each) => `  ${each}`)];
}

function sumOf(one: Tally | undefined, other: Tally): Tally {
  if (one === undefined) return { ...other };
  return Object.fromEntries(columns.map((name) => [name, one[name] + other[name]])) as Tally;
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ');
  return all.map(line).join('\n');
}
