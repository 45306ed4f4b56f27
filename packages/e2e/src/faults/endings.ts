/**
 * Why services ended by themselves. One that cannot reach what is broken may end and is started again; one that ends for
 * any other reason has found something that must not be.
 */

/** The errors of a world that fails, as services write them. With the reason that a part of it did not start. */
const outage =
  /^(?:Error: .* did not start: )?OperationalError: (?:store_unavailable|outcome_unknown|broker_unavailable|upstream_unavailable|upstream_timeout)\b/;

const errorLine = /^(?:Uncaught )?\w*Error\b/;

/** Of all that a process wrote, a line behind its log: what is no outage before what is one. */
export function lastWordsOf(output: string): string {
  const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  const errors = lines.filter((line) => errorLine.test(line));
  return errors.find((line) => !outage.test(line)) ?? errors[0] ?? lines[0] ?? 'without a word';
}

/** `<service>: <last words>`, of those whose last words are not of an outage. */
export function wrongEndings(endings: readonly string[]): readonly string[] {
  return endings.filter((each) => !outage.test(each.slice(each.indexOf(': ') + 2))).map((each) => `ended: ${each}`);
}
