/** What a run tells: a JSON line a protection for programs, and a table for people at the end. */
import type { Protection } from './protection';

/**
 * `red`: the test failed, as it has to. `GREEN`: nothing holds the protection. `stale`: the edit does not fit its file.
 * `broken`: the edited program does not load, or no test was run.
 */
export type Verdict = 'red' | 'GREEN' | 'stale' | 'broken';

export type Finding = {
  readonly protection: Protection;
  readonly verdict: Verdict;
  /** Titles of the tests that failed, or that did not; otherwise what is wrong. */
  readonly details: readonly string[];
  /** What the first of them that failed said. */
  readonly message: string;
  readonly seconds: number;
};

export function jsonLineOf({ protection, verdict, details, message, seconds }: Finding): string {
  const { name, row, removes, file, held } = protection;
  return JSON.stringify({ name, row, removes, file, test: held.file, verdict, details, message, seconds });
}

const detailsMax = 2;
const widthMax = 100;

export function tableOf(findings: readonly Finding[]): string {
  const head = ['protection', 'row', 'what is removed', '', 'by', 's'];
  const rows = findings.map(({ protection: { name, row, removes }, verdict, details, seconds }) => {
    const more = details.length > detailsMax ? [`and ${details.length - detailsMax} more`] : [];
    return [
      name,
      row,
      removes,
      verdict,
      oneLine([...details.slice(0, detailsMax), ...more].join('; ')),
      String(seconds),
    ];
  });
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  const red = findings.filter(({ verdict }) => verdict === 'red').length;
  const seconds = Math.round(findings.reduce((sum, finding) => sum + finding.seconds, 0));
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [line(head), rule, ...rows.map(line), `\n${red} of ${findings.length} are held, ${seconds} s`].join('\n');
}

function oneLine(text: string): string {
  const flat = text.replaceAll(/\s+/g, ' ');
  return flat.length > widthMax ? `${flat.slice(0, widthMax)}…` : flat;
}

/** The rows of the table in `docs/guarantees.md`. */
export function documentedRows(protections: readonly Protection[]): string {
  const rows = protections.map(({ name, row, removes, held: { title, file, definedIn = file } }) => {
    const link = `[${title}](../${definedIn})`;
    return `| \`${name}\` | ${row} | ${removes} | ${link} |`;
  });
  return ['| switch | row | what it takes away | held by |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
