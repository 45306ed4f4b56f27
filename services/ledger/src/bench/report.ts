/** What a run tells: one JSON line per result for programs, and a table for people at the end. */
import { median, ratioOf, verdictOf, type Result } from './measure';

export function jsonLineOf(result: Result, context: unknown): string {
  const { goal, what, unit, yardstick, rounds, bar, notes } = result;
  const ratio = ratioOf(rounds);
  const measured = { ours: median(rounds.map(({ ours }) => ours)), theirs: median(rounds.map((r) => r.yardstick)) };
  return JSON.stringify({
    goal,
    what,
    unit,
    yardstick,
    ...measured,
    ratio,
    bar,
    verdict: verdictOf(result),
    rounds,
    notes,
    context,
  });
}

export function tableOf(results: readonly Result[]): string {
  const head = ['goal', 'what', 'ours', 'yardstick', '', 'ratio', 'range', 'bar', ''];
  const rows = results.map((result) => {
    const { goal, what, unit, yardstick, rounds, bar } = result;
    const { median: middle, min, max } = ratioOf(rounds);
    const ours = `${figure(median(rounds.map((round) => round.ours)))} ${unit}`;
    const theirs = figure(median(rounds.map((round) => round.yardstick)));
    const range = `${figure(min)}..${figure(max)}`;
    return [goal, what, ours, theirs, yardstick, figure(middle), range, barOf(bar), verdictOf(result)];
  });
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

function barOf(bar: Result['bar']): string {
  if (bar === undefined) return '';
  return 'atLeast' in bar ? `>= ${bar.atLeast}` : `<= ${bar.atMost}`;
}

/** Three digits that count. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3, useGrouping: false });
}
